"""A microscope's degradation: what a point, a plane and a bright field become."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data.camera import Camera
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.optics import Optics


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_point_becomes_the_binned_spot(scale):
    microscope = Microscope(Optics(aperture=1.4, pixel=0.15))
    spot = microscope.optics.kernel(scale)
    reach = spot.shape[0] // 2
    size = -(-(4 * reach) // scale) * scale
    hr = torch.zeros(1, size, size)
    row, column = size // 2, size // 2 + 1
    hr[0, row, column] = 1

    lr = microscope.shrink(hr, scale, None)

    spread = torch.zeros(size, size, dtype=torch.float64)
    inside = slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)
    spread[inside] = spot
    binned = spread.unflatten(0, (-1, scale)).unflatten(2, (-1, scale)).mean((1, 3))
    torch.testing.assert_close(lr[0].double(), binned, atol=1e-7, rtol=1e-5)


def test_an_even_field_stays_even_up_to_the_edge():
    lr = Microscope().shrink(torch.full((3, 24, 24), 0.4), 3, 255)

    torch.testing.assert_close(lr, torch.full((3, 8, 8), 0.4))


def test_a_crop_with_its_margin_is_what_the_whole_gives():
    microscope, scale, hr = Microscope(Optics(aperture=1.2)), 2, torch.rand(1, 60, 60)
    margin = microscope.margin(scale)

    whole = microscope.shrink(hr, scale, None)
    crop = microscope.shrink(hr[:, 10 : 10 + 2 * (2 * margin + 6)], scale, None)

    inside = slice(margin, margin + 6)
    # sums of some hundred products in float32, whose order the library chooses
    torch.testing.assert_close(
        crop[:, inside], whole[:, 5 + margin : 11 + margin], atol=1e-6, rtol=0
    )


def test_noise_is_the_cameras(random):
    microscope = Microscope(camera=Camera(photons=50, read_noise=2))
    light = torch.full((1, 100, 100), 0.5)

    noisy = microscope.disturb(light, random)

    expected = microscope.camera.record(light, np.random.default_rng(0))
    assert torch.equal(noisy, expected)


def test_every_crop_draws_optics_and_camera(random):
    microscope = Microscope(Optics(aperture=(0.5, 1.0)), Camera(photons=(20, 200)))

    one, other = (microscope.drawn(random) for _ in range(2))

    assert one.optics.aperture != other.optics.aperture
    assert one.camera.photons != other.camera.photons
    assert microscope.margin(2) >= one.margin(2)
    assert not microscope.repeatable
