"""The spot of a point, against what optics is known to give."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import j0, j1, jn_zeros

from napari_sr.training.data.optics import THIRD_DARK_RING, Optics, airy, sigma_of


def test_airys_pattern_is_dark_where_its_rings_are():
    zeros = torch.from_numpy(jn_zeros(1, 2))

    assert airy(torch.zeros(1, dtype=torch.float64)).item() == 1
    assert airy(zeros).max() < 1e-12
    assert airy(zeros + 0.5).min() > 1e-3
    assert pytest.approx(jn_zeros(1, 3)[-1], abs=1e-4) == THIRD_DARK_RING


def test_rayleighs_distance_is_the_first_dark_ring():
    optics = Optics(wavelength=0.5, aperture=0.5, pixel=0.02)
    kernel = optics.kernel(1)

    middle = kernel[kernel.shape[0] // 2]
    after = middle[kernel.shape[0] // 2 :]
    # 0.61 wavelength / NA
    assert torch.argmin(after[:40]).item() == pytest.approx(0.61 / 0.02, abs=0.5)


def test_what_the_cut_leaves_out_is_as_little_as_said():
    # the share of the light within v, Born and Wolf (8.5.18)
    inside = 1 - j0(THIRD_DARK_RING) ** 2 - j1(THIRD_DARK_RING) ** 2

    assert inside == pytest.approx(0.938, abs=5e-4)
    assert 1 - math.exp(-(3**2) / 2) == pytest.approx(0.989, abs=5e-4)


def test_the_gaussian_is_the_nearest_to_airys_pattern():
    distance = np.linspace(1e-9, 3, 20_001)
    pattern = (2 * j1(2 * np.pi * distance) / (2 * np.pi * distance)) ** 2

    def apart(sigma):
        return np.sum(distance * (pattern - np.exp(-((distance / sigma) ** 2) / 2)) ** 2)

    nearest = minimize_scalar(apart, bounds=(0.1, 0.4), method="bounded").x
    assert sigma_of(1, 1) == pytest.approx(nearest, abs=0.005)
    assert sigma_of(0.6, 1.2) == pytest.approx(sigma_of(1, 1) / 2)


@pytest.mark.parametrize("spot", ["airy", "gaussian"])
def test_the_spot_keeps_the_light_and_is_round(spot):
    kernel = Optics(spot=spot).kernel(4)

    assert kernel.sum().item() == pytest.approx(1)
    torch.testing.assert_close(kernel, kernel.T)
    torch.testing.assert_close(kernel, kernel.flip(0, 1))
    assert kernel.argmax().item() == kernel.numel() // 2


def test_the_gaussian_spot_has_its_sigma():
    optics = Optics(wavelength=0.6, aperture=0.63, pixel=0.05, spot="gaussian")

    line = optics.kernel(1).sum(0)
    place = (torch.arange(len(line)) - len(line) // 2) * 0.05

    # cut off at three sigmas, where a hundredth of the variance is lost; pixels add their own
    variance = (line * place**2).sum().item() - 0.05**2 / 12
    assert math.sqrt(variance) == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("spot", ["airy", "gaussian"])
def test_the_spot_grows_with_the_scale_and_shrinks_with_the_aperture(spot):
    reach = Optics(aperture=0.5, spot=spot).reach(2)

    assert Optics(aperture=0.5, spot=spot).reach(4) == pytest.approx(2 * reach, abs=1)
    assert Optics(aperture=1.0, spot=spot).reach(2) == pytest.approx(reach / 2, abs=1)
    assert Optics(aperture=(0.5, 1.0), spot=spot).reach(2) == reach


def test_every_crop_draws_its_own(random):
    optics = Optics(wavelength=(0.4, 0.7), aperture=(0.3, 1.4), pixel=(0.1, 0.3))

    drawn = optics.drawn(random)

    assert 0.4 <= drawn.wavelength <= 0.7
    assert 0.3 <= drawn.aperture <= 1.4
    assert 0.1 <= drawn.pixel <= 0.3
    assert drawn.spot == "airy"


@pytest.mark.parametrize("name", ["wavelength", "aperture", "pixel"])
def test_optics_that_make_no_spot_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} needs a number above 0, .* got -1"):
        Optics(**{name: -1})


def test_an_unknown_spot_is_refused():
    with pytest.raises(ValueError, match="must be 'airy' or 'gaussian', got 'square'"):
        Optics(spot="square")
