"""Z by interpolation and by networks, compared on stacks that are averaged along Z."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def axial(benchmark):
    return benchmark("quality/axial")


def test_both_ways_keep_the_place_of_a_smooth_stack(axial):
    truth = axial.synthetic()[:16, :24, :24]
    binned = truth.reshape(8, 2, 24, 24).mean(axis=1)

    for found in (axial.cubic(binned, 2), axial.by_network("fsrcnn", binned, 2)):
        assert found.shape == truth.shape
        assert axial.fitted_psnr(found, truth) > axial.fitted_psnr(np.roll(found, 1, 0), truth) + 3


def test_a_linear_change_of_values_does_not_count(axial, random):
    truth = random.random((4, 5, 6))
    assert axial.fitted_psnr(3 * truth + 7, truth) > 200
    assert axial.fitted_psnr(truth + 0.1 * random.normal(size=truth.shape), truth) < 30
