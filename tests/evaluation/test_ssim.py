"""SSIM against its definition and against published figures."""

from __future__ import annotations

import numpy as np
import pytest
from reference import SHARED
from scipy.ndimage import correlate1d
from skimage.metrics import structural_similarity

from napari_sr.evaluation import ssim
from napari_sr.evaluation._reading import read_image

TRUTH = SHARED / "data" / "metric_truth"
RCAN = {2: 0.9614, 3: 0.9299, 4: 0.9002}
"""The means over Set5 of a third party's results (TABLES.md)."""


@pytest.mark.skipif(not TRUTH.is_dir(), reason="needs the metrics' truth in ../shared")
@pytest.mark.parametrize("scale", RCAN)
def test_published_figures_are_met(scale):
    found = []
    for path in sorted((TRUTH / f"RCAN_SR_Set5_x{scale}").glob("*.png")):
        result = read_image(path)
        name = path.name.partition("_")[0]
        truth = read_image(SHARED / "data" / "Set5" / "HR" / f"{name}.png")
        cut = truth[: result.shape[0], : result.shape[1]]
        found.append(ssim(result, cut, border=scale))

    assert len(found) == 5
    assert np.mean(found) == pytest.approx(RCAN[scale], abs=2e-4)


def by_definition(x, y):
    """Return the mean SSIM of two grey images in 0..1, as the paper defines it."""
    place = np.arange(-5, 6)
    weights = np.exp(-(place**2) / (2 * 1.5**2))
    weights /= weights.sum()

    def mean(image):
        return correlate1d(correlate1d(image, weights, 0), weights, 1)[5:-5, 5:-5]

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    top, bottom = (2 * mx * my + c1) * (2 * both + c2), (mx**2 + my**2 + c1) * (vx + vy + c2)
    return float(np.mean(top / bottom))


def test_the_definition_is_met():
    rng = np.random.default_rng(0)
    truth = rng.random((23, 31))
    result = np.clip(truth + 0.2 * rng.standard_normal(truth.shape), 0, 1)

    assert ssim(result, truth) == pytest.approx(by_definition(result, truth), abs=1e-12)


def test_equal_images_are_one():
    image = np.random.default_rng(0).random((12, 12, 3))

    assert ssim(image, image, luma=False) == pytest.approx(1)


def test_channels_are_averaged_without_luma():
    rng = np.random.default_rng(0)
    truth, result = rng.random((2, 14, 15, 3))

    each = [ssim(result[..., at], truth[..., at]) for at in range(3)]

    assert ssim(result, truth, luma=False) == pytest.approx(np.mean(each))


def test_too_small_an_image_is_refused():
    with pytest.raises(ValueError, match=r"at least 11 x 11 px .* got 10 x 18"):
        ssim(np.zeros((12, 20)), np.zeros((12, 20)), border=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("level", [0.01, 0.1, 0.4])
def test_it_agrees_with_scikit_image(random, dtype, level):
    white = 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max)
    truth = correlate1d(random.random((60, 47)), np.ones(5) / 5, 0)
    other = truth + random.normal(0, level, truth.shape)
    one, two = ((white * image.clip(0, 1)).astype(dtype) for image in (truth, other))

    expected = structural_similarity(
        one.astype(float), two.astype(float), data_range=white, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, win_size=11,
    )  # fmt: skip

    assert ssim(two, one) == pytest.approx(expected, abs=1e-6)
