"""The protocol of the papers, on whole sets."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from fakes import Nearest
from PIL import Image
from reference import SHARED

from napari_sr import api, load
from napari_sr.evaluation import perceptual, psnr, ssim
from napari_sr.evaluation.benchmark import Protocol, evaluate
from napari_sr.evaluation.sets import ImageSet
from napari_sr.zoo._torchvision import import_on_torchvision

SET5 = SHARED / "data" / "Set5"
MEASURED = {2: (33.67, 0.9303), 4: (28.43, 0.8111)}
"""Bicubic's PSNR and SSIM on Set5, from TABLES.md."""
RNG = np.random.default_rng(0)


def colour():
    """Return a network that repeats pixels of RGB."""
    return Nearest(channels=3)


def stand_in(monkeypatch):
    """Put a stand-in for piq in place, whose distances are 1, 2, ...; return what it is given."""
    calls = []

    def measure(*images):
        calls.append(images)
        return torch.tensor(float(len(calls)))

    library = SimpleNamespace(LPIPS=lambda: measure, DISTS=lambda: measure)
    monkeypatch.setattr(perceptual, "import_on_torchvision", lambda name: library)
    monkeypatch.setattr(perceptual, "_metric", perceptual._metric.__wrapped__)
    return calls


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
        result = pair.lr.repeat(2, 0).repeat(2, 1)
        assert row.image == pair.name
        assert row.psnr == pytest.approx(psnr(result, pair.hr, border=2))
        assert row.ssim == pytest.approx(ssim(result, pair.hr, border=2))
    assert table.psnr == pytest.approx(np.mean([row.psnr for row in table.rows]))
    assert table.made


def test_networks_of_luma_are_given_luma(images):
    seen = []

    evaluate(Nearest(), images, seen=lambda result, row: seen.append(result.judged.shape))

    assert seen == [(24, 30), (26, 28)]


def test_colours_are_judged_where_they_are_asked_for(images):
    [pair, _] = images.pairs(2)

    table = evaluate(Nearest(), images, protocol=Protocol(luma=False, border=0))

    result = pair.lr.repeat(2, 0).repeat(2, 1)
    assert table.rows[0].psnr < psnr(result, pair.hr)


def test_grey_counts_as_rgb_where_it_is_asked_for(images):
    seen = []

    evaluate(
        colour(), images, protocol=Protocol(grey_as_rgb=True),
        seen=lambda result, row: seen.append(result.judged.shape),
    )  # fmt: skip

    assert seen == [(24, 30, 3), (26, 28, 3)]


def test_a_result_is_clipped_as_a_file_would(images):
    bright = colour()
    with torch.no_grad():
        bright.weight.fill_(50)
    results = []

    evaluate(bright, images, seen=lambda result, row: results.append(result.judged))

    assert [result.max() for result in results] == [1, 1]


def test_other_metrics_are_measured_where_they_are_asked_for(images, monkeypatch):
    calls = stand_in(monkeypatch)

    table = evaluate(colour(), images, protocol=Protocol(metrics=("lpips", "frc", "lpips")))

    assert [list(row.figures) for row in table.rows] == [["lpips", "frc"]] * 2
    assert [row.figures["lpips"] for row in table.rows] == [1, 2]
    assert table.means["lpips"] == 1.5
    assert math.isnan(table.means["frc"])  # both images are too small for it
    assert [tuple(result.shape) for result, _ in calls] == [(1, 3, 20, 26), (1, 3, 22, 24)]


def test_a_network_of_luma_is_judged_in_colour_where_looks_count(images, monkeypatch):
    calls = stand_in(monkeypatch)
    seen = []

    evaluate(
        Nearest(), images, protocol=Protocol(metrics=("psnr", "lpips"), border=0),
        seen=lambda result, row: seen.append((result.judged, result.seen, row)),
    )  # fmt: skip

    (judged, looks, row), _ = seen
    [pair, _] = images.pairs(2)
    assert judged.shape == (24, 30)
    assert looks.shape == (24, 30, 3)
    result, truth = calls[0]
    np.testing.assert_allclose(result[0].permute(1, 2, 0), looks, atol=1e-6)
    np.testing.assert_allclose(truth[0].permute(1, 2, 0), pair.hr / 255, atol=1e-6)
    # luma is judged as without the other metric
    assert row.psnr == evaluate(Nearest(), images, protocol=Protocol(border=0)).rows[0].psnr


def test_a_metric_that_is_missing_is_told_before_an_image_is_upscaled(images, monkeypatch):
    monkeypatch.setitem(sys.modules, "piq", None)
    monkeypatch.setattr(api, "upscale", lambda *_, **__: pytest.fail("an image was upscaled"))
    perceptual._metric.cache_clear()
    import_on_torchvision.cache_clear()

    with pytest.raises(perceptual.MissingPackageError, match="DISTS needs the package piq"):
        evaluate(Nearest(), images, protocol=Protocol(metrics=("psnr", "dists")))


@pytest.mark.parametrize(("names", "told"), [(("psnr", "fid"), "got 'fid'"), ((), "got none")])
def test_an_unknown_metric_is_told(names, told):
    with pytest.raises(ValueError, match=f"one or more of psnr, ssim, .*, {told}"):
        Protocol(metrics=names)


def test_an_image_below_ssim_s_window_has_none(tmp_path):
    Image.fromarray(RNG.integers(0, 256, (12, 30), np.uint8)).save(tmp_path / "a.png")

    [row] = evaluate(Nearest(), ImageSet(tmp_path)).rows

    assert math.isnan(row.ssim)
    assert math.isfinite(row.psnr)


def test_flat_images_are_left_out_of_the_means_with_a_note(images):
    alone = evaluate(colour(), images)
    for name, level in (("c", 77), ("d", 0)):
        Image.fromarray(np.full((26, 28), level, np.uint8)).save(images.folder / f"{name}.png")

    table = evaluate(colour(), images, model="mine")

    assert [row.flat for row in table.rows] == [False, False, True, True]
    assert table.means == alone.means
    assert table.notes == (
        f"{images.name} x2, mine: the means leave out flat images, for which scores are "
        "meaningless: c, d",
    )
    assert alone.notes == ()


def test_a_set_of_12_bits_is_judged_as_one_of_8_bits_that_shows_the_same(tmp_path):
    eight = RNG.integers(0, 256, (24, 32), dtype=np.uint8)
    Image.fromarray(eight).save(tmp_path / "a.png")
    expected = evaluate(load("fsrcnn-x2"), ImageSet(tmp_path)).rows[0].figures
    (tmp_path / "a.png").unlink()
    twelve = np.rint(eight * (4095 / 255)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", twelve, bitspersample=12)

    found = evaluate(load("fsrcnn-x2"), ImageSet(tmp_path)).rows[0].figures

    # both are shrunk and rounded in their own steps
    assert found["psnr"] == pytest.approx(expected["psnr"], abs=0.05)


@pytest.mark.parametrize(
    ("level", "told"),
    [(np.nan, "odd: .* values are NaN"), (7, "odd: the values of the reference image must be")],
)
def test_an_image_that_cannot_be_judged_is_named(images, level, told):
    pixels = np.full((24, 24), 0.5, np.float32)
    pixels[:4] = level
    tifffile.imwrite(images.folder / "odd.tif", pixels)

    with pytest.raises(ValueError, match=told):
        evaluate(colour(), images)


def test_figures_are_pytorch_s_whatever_is_installed(monkeypatch, images):
    engines, upscale = [], api.upscale

    def watched(*arguments, **options):
        engines.append(options["engine"])
        return upscale(*arguments, **options)

    monkeypatch.setattr(api, "upscale", watched)

    evaluate(colour(), images)

    assert engines == ["torch", "torch"]
