"""The protocol of the papers, on whole sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from fakes import Nearest
from PIL import Image
from reference import SHARED

from napari_sr import load
from napari_sr.evaluation import psnr, ssim
from napari_sr.evaluation.benchmark import Protocol, evaluate
from napari_sr.evaluation.sets import ImageSet

SET5 = SHARED / "data" / "Set5"
MEASURED = {2: (33.67, 0.9303), 4: (28.43, 0.8111)}
"""Bicubic's PSNR and SSIM on Set5, from TABLES.md."""
RNG = np.random.default_rng(0)


def colour():
    """Return a network that repeats pixels of RGB."""
    return Nearest(channels=3)


@pytest.fixture
def images(tmp_path):
    """Return a set of two small images, RGB and grey."""
    Image.fromarray(RNG.integers(0, 256, (24, 30, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(RNG.integers(0, 256, (26, 28), np.uint8)).save(tmp_path / "b.png")
    return ImageSet(tmp_path)


@pytest.mark.skipif(not SET5.is_dir(), reason="needs Set5 in ../shared")
@pytest.mark.parametrize("scale", MEASURED)
def test_bicubic_is_as_good_as_the_tables_say(scale):
    table = evaluate(load("bicubic", scale), ImageSet(SET5))

    assert table.psnr == pytest.approx(MEASURED[scale][0], abs=0.02)
    assert table.ssim == pytest.approx(MEASURED[scale][1], abs=5e-4)
    assert not table.made


def test_results_are_judged_without_a_border_of_the_scale(images):
    pairs = images.pairs(2)

    table = evaluate(colour(), images)

    for pair, row in zip(pairs, table.rows, strict=True):
        result = pair.small.repeat(2, 0).repeat(2, 1)
        assert row.image == pair.name
        assert row.psnr == pytest.approx(psnr(result, pair.large, border=2))
        assert row.ssim == pytest.approx(ssim(result, pair.large, border=2))
    assert table.psnr == pytest.approx(np.mean([row.psnr for row in table.rows]))
    assert table.made


def test_networks_of_luma_are_given_luma(images):
    seen = []

    evaluate(Nearest(), images, seen=lambda pair, result, row: seen.append(result.shape))

    assert seen == [(24, 30), (26, 28)]


def test_colours_are_judged_where_they_are_asked_for(images):
    [pair, _] = images.pairs(2)

    table = evaluate(Nearest(), images, protocol=Protocol(luma=False, border=0))

    result = pair.small.repeat(2, 0).repeat(2, 1)
    assert table.rows[0].psnr < psnr(result, pair.large)


def test_grey_counts_as_rgb_where_it_is_asked_for(images):
    seen = []

    evaluate(
        colour(), images, protocol=Protocol(grey_as_rgb=True),
        seen=lambda pair, result, row: seen.append(result.shape),
    )  # fmt: skip

    assert seen == [(24, 30, 3), (26, 28, 3)]


def test_a_result_is_clipped_as_a_file_would(images):
    bright = colour()
    with torch.no_grad():
        bright.weight.fill_(50)
    results = []

    evaluate(bright, images, seen=lambda pair, result, row: results.append(result))

    assert [result.max() for result in results] == [1, 1]


def test_an_image_below_ssim_s_window_has_none(tmp_path):
    Image.fromarray(RNG.integers(0, 256, (12, 30), np.uint8)).save(tmp_path / "a.png")

    [row] = evaluate(Nearest(), ImageSet(tmp_path)).rows

    assert math.isnan(row.ssim)
    assert math.isfinite(row.psnr)
