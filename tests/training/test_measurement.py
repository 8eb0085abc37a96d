"""Results become what the microscope would record of them."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d
from trainings import tiny

from napari_sr.training.data.spot import Spot
from napari_sr.training.measurement import BORDER, Measurement, inner, measurement_of

INSIDE = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))


def test_without_a_spot_pixels_are_binned():
    result = torch.rand(2, 3, 40, 36)

    seen, wanted = Measurement(Spot())(result, torch.zeros(2, 3, 20, 18))

    torch.testing.assert_close(seen, avg_pool2d(result, 2)[INSIDE])
    assert wanted.shape == seen.shape


def test_a_point_becomes_the_spot_and_keeps_its_light():
    result = torch.zeros(1, 1, 80, 80)
    result[..., 40, 40] = 4.0

    recorded = Measurement(Spot(sigma=1.5)).recorded(result, 2)

    assert recorded.sum() == pytest.approx(1.0, abs=1e-4)
    place = torch.arange(40.0)
    line = recorded[0, 0].sum(0)
    middle = (line * place).sum()
    variance = (line * (place - middle) ** 2).sum()
    assert middle == pytest.approx(19.75, abs=0.01)
    assert variance == pytest.approx(1.5**2 * 0.973, rel=0.05)


def test_hidden_pixels_are_not_compared():
    target = torch.rand(1, 1, 20, 20)
    target[..., 10, 10] = torch.nan

    seen, wanted = Measurement(Spot())(torch.ones(1, 1, 40, 40), target)

    assert wanted[..., 6, 6] == seen[..., 6, 6] == 0
    assert seen.sum() == 143


def test_a_tiny_crop_keeps_its_middle():
    assert inner(torch.zeros(3, 4, 5)).shape == (3, 2, 3)


def test_only_recipes_for_noisy_images_have_one():
    noisy = tiny(data={"degradation": {"kind": "recorruption",
                                       "options": {"spot": {"sigma": 1.0}}}})  # fmt: skip

    assert measurement_of(tiny()) is None
    assert measurement_of(noisy).spot == Spot(sigma=1.0)
