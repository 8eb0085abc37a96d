"""Rates rise, fall and end as recipes say."""

from __future__ import annotations

import pytest

from napari_sr.training.config import Schedule
from napari_sr.training.schedule import rate_factor


def test_a_cosine_rises_evenly_then_falls_to_its_floor():
    schedule = Schedule("cosine", warm_up=4, floor=0.1)

    rates = [rate_factor(schedule, step, 1000) for step in (0, 1, 4, 500, 1000)]

    assert rates == pytest.approx([0.2, 0.4, 1, 0.55, 0.1], abs=1e-3)


@pytest.mark.parametrize(
    "schedule", [Schedule("step", every=10, factor=0.5), Schedule("step", at=(10, 20), factor=0.5)]
)
def test_steps_fall_at_their_times(schedule):
    rates = [rate_factor(schedule, step, 30) for step in (0, 9, 10, 19, 20)]

    assert rates == [1, 1, 0.5, 0.5, 0.25]


def test_a_constant_stays():
    assert rate_factor(Schedule(), 7, 10) == 1
