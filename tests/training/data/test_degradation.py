"""What all degradations share: ranges, and what one that says nothing does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.training.data.degradation import Degradation, check_range, draw


def test_a_single_value_is_drawn_as_it_is(random):
    before = random.bit_generator.state

    assert draw(3, random) == 3.0
    assert random.bit_generator.state == before


def test_a_range_is_drawn_evenly(random):
    drawn = np.array([draw((2.0, 6.0), random) for _ in range(4000)])

    assert drawn.min() >= 2
    assert drawn.max() <= 6
    # the mean of n draws is normal with sigma (high - low) / sqrt(12 n): six of them
    assert abs(drawn.mean() - 4) < 6 * 4 / np.sqrt(12 * 4000)


def test_a_ratio_is_drawn_evenly_in_its_logarithm(random):
    drawn = np.log10([draw((1.0, 10_000.0), random, ratio=True) for _ in range(4000)])

    assert abs(drawn.mean() - 2) < 6 * 4 / np.sqrt(12 * 4000)


@pytest.mark.parametrize(
    "value", [0, -1.0, float("nan"), float("inf"), (2.0, 1.0), (0.0, 1.0), (1.0, float("inf"))]
)
def test_a_range_without_values_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"sigma needs a number above 0, or .*, got ") as caught:
        check_range("sigma", value)
    assert str(value) in str(caught.value)


def test_what_is_not_said_draws_nothing_and_disturbs_nothing(random):
    degradation, image = Degradation(), torch.rand(1, 3, 3)

    assert degradation.drawn(random) is degradation
    assert degradation.disturb(image, random) is image
    assert not degradation.repeatable
