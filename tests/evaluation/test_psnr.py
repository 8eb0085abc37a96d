"""PSNR against its definition and against published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference import SHARED
from skimage.metrics import peak_signal_noise_ratio

from napari_sr.evaluation import psnr
from napari_sr.evaluation._reading import read_image

TRUTH = SHARED / "data" / "metric_truth"
RCAN = {2: 38.274, 3: 34.742, 4: 32.634}
"""The means over Set5 of a third party's results (TABLES.md)."""


def pairs(scale):
    """Yield a published result and its truth, cut to its size."""
    for path in sorted((TRUTH / f"RCAN_SR_Set5_x{scale}").glob("*.png")):
        result = read_image(path)
        name = path.name.partition("_")[0]
        truth = read_image(SHARED / "data" / "Set5" / "HR" / f"{name}.png")
        yield result, truth[: result.shape[0], : result.shape[1]]


@pytest.mark.skipif(not TRUTH.is_dir(), reason="needs the metrics' truth in ../shared")
@pytest.mark.parametrize("scale", RCAN)
def test_published_figures_are_met(scale):
    found = [psnr(result, truth, border=scale) for result, truth in pairs(scale)]

    assert len(found) == 5
    assert np.mean(found) == pytest.approx(RCAN[scale], abs=0.005)


def test_a_known_error_gives_its_decibels():
    truth = np.zeros((20, 30), np.uint8)

    assert psnr(truth + np.uint8(16), truth) == pytest.approx(20 * math.log10(255 / 16))


def test_equal_images_are_infinitely_alike():
    assert psnr(np.ones((4, 4)), np.ones((4, 4))) == math.inf


def test_types_are_compared_by_their_own_white():
    eight = np.arange(256, dtype=np.uint8).reshape(16, 16)

    assert psnr(eight.astype(np.uint16) * 257, eight / 255) > 300


def test_luma_weighs_channels_as_matlab_does():
    truth = np.zeros((8, 8, 3))
    green = truth + np.array([0, 0.5, 0])

    assert psnr(green, truth) == pytest.approx(-20 * math.log10(0.5 * 128.553 / 255))
    assert psnr(green, truth, luma=False) == pytest.approx(-10 * math.log10(0.25 / 3))


def test_the_border_is_left_out():
    truth = np.zeros((9, 9))
    result = truth.copy()
    result[0], result[4, 4] = 1, 0.1

    assert psnr(result, truth, border=1) == pytest.approx(20 + 10 * math.log10(49))


def test_twelve_bits_have_their_own_range():
    truth = np.zeros((4, 4), np.uint16)

    assert psnr(truth + 4095, truth, value_range=(0, 4095)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("result", "truth", "options", "words"),
    [
        (np.zeros((4, 4)), np.zeros((4, 5)), {}, r"differ in shape: \(4, 4\) and \(4, 5\)"),
        (np.zeros((4, 4, 4)), np.zeros((4, 4, 4)), {}, r"got \(4, 4, 4\)"),
        (np.zeros((4, 4)), np.zeros((4, 4)), {"border": 2}, "2 px leaves nothing of 4 x 4"),
        (np.zeros((4, 4)), np.zeros((4, 4)), {"border": -1}, "border of -1 px"),
        (np.full((4, 4), np.nan), np.zeros((4, 4)), {}, "16 of 16 values are NaN"),
        (np.zeros((4, 4)), np.full((4, 4), 300.0), {}, r"got 300 to 300: give value_range"),
        (np.zeros((4, 4)), np.zeros((4, 4)), {"value_range": (1, 1)}, r"low < high.*got \(1, 1\)"),
        (np.zeros((4, 4), bool), np.zeros((4, 4)), {}, "got bool"),
    ],
)
def test_what_cannot_be_compared_is_refused(result, truth, options, words):
    with pytest.raises(ValueError, match=words):
        psnr(result, truth, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(31, 44), (31, 44, 3)])
def test_it_agrees_with_scikit_image(random, dtype, shape):
    white = 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max)
    truth, noise = random.random(shape), random.normal(0, 0.05, shape)
    one, two = ((white * image.clip(0, 1)).astype(dtype) for image in (truth, truth + noise))

    found = psnr(two, one, luma=False)

    expected = peak_signal_noise_ratio(one.astype(float), two.astype(float), data_range=white)
    assert found == pytest.approx(expected, abs=1e-6)
