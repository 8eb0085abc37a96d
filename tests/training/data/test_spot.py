"""A spot is computed, measured, or none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data.optics import Optics
from napari_sr.training.data.spot import Spot, of_bead


def bead(sigma, size=25, centre=(12.3, 11.6), height=800.0, background=100.0):
    """Return a Gaussian spot as a camera with square pixels records it."""
    fine = 5
    place = (np.arange(size * fine) + 0.5) / fine - 0.5
    y, x = (np.exp(-(((place - at) / sigma) ** 2) / 2) for at in centre)
    light = np.outer(y, x).reshape(size, fine, size, fine).mean(axis=(1, 3))
    return background + height * light


def test_without_numbers_there_is_no_blur():
    assert Spot().kernel(2) is None
    assert Spot().words == "no spot"


def test_optics_give_the_airy_spot_at_the_results_pixels():
    spot = Spot(wavelength=0.6, aperture=1.0, pixel=0.2)

    expected = Optics(0.6, 1.0, 0.2).kernel(2).float()

    torch.testing.assert_close(spot.kernel(2), expected)
    assert spot.words == "a spot of 600 nm and NA 1 at 0.2 µm"


@pytest.mark.parametrize("scale", [2, 3])
def test_sigma_counts_in_pixels_of_the_source(scale):
    kernel = Spot(sigma=1.5).kernel(scale)

    place = torch.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    # cut off at 3 sigma, a Gaussian has 0.973 of its variance
    variance = float((kernel.sum(0) * place**2).sum())
    assert variance == pytest.approx((1.5 * scale) ** 2 * 0.973, rel=0.02)


@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5])
def test_a_beads_sigma_is_found(sigma, random):
    image = bead(sigma) + random.normal(0, 2, (25, 25))

    assert of_bead(image).sigma == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 9)), r"got shape \(4, 9\)"),
        (np.full((9, 9), np.nan), "finite values"),
        (np.full((9, 9), 7.0), "largest value of 7 and a border of 7"),
    ],
    ids=["small", "NaN", "constant"],
)
def test_an_image_without_a_bead_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        of_bead(image)


@pytest.mark.parametrize(
    "wrong", [{"wavelength": 0.5}, {"sigma": -1.0},
              {"wavelength": 0.5, "aperture": 1.0, "pixel": 0.1, "sigma": 1.0}], ids=str
)  # fmt: skip
def test_incomplete_or_double_spots_are_refused(wrong):
    with pytest.raises(ValueError, match=f"sigma {wrong.get('sigma', 0.0)}$"):
        Spot(**wrong)


@pytest.mark.parametrize("numbers", [(0.52, 1.2, 0.0001), (520, 1.2, 0.1), (0, 0, 0, 51)], ids=str)
def test_a_spot_too_large_for_memory_is_refused(numbers):
    with pytest.raises(ValueError, match="a sigma of at most 50 px, got a spot of"):
        Spot(*numbers)
