"""The time left, from a clock that the test turns."""

from __future__ import annotations

import pytest

from napari_sr.engine.execution.pace import Pace


class Clock:
    """A clock that goes as it is told."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def after(clock, pace, *steps):
    """Return the seconds left after each step of (seconds, share)."""
    told = []
    for seconds, share in steps:
        clock.now += seconds
        told.append(pace.seconds_left(share))
    return told


def test_an_even_pace_is_gone_on_with(clock):
    told = after(clock, Pace(clock), (2, 0.25), (2, 0.5), (2, 0.75), (2, 1.0))

    assert told == pytest.approx([6, 4, 2, 0])


def test_a_slow_first_tile_is_forgotten(clock):
    told = after(clock, Pace(clock), (10, 0.1), *((1, 0.1 * n) for n in range(2, 10)))

    assert told[0] == pytest.approx(90)
    assert told[1:] == pytest.approx([8, 7, 6, 5, 4, 3, 2, 1])


def test_a_machine_that_becomes_busy_is_noticed(clock):
    even = [(1, 0.01 * n) for n in range(1, 11)]
    busy = [(4, 0.1 + 0.01 * n) for n in range(1, 11)]

    told = after(clock, Pace(clock), *even, *busy)

    assert told[9] == pytest.approx(90)
    assert told[-1] == pytest.approx(4 * 80)


def test_a_plane_that_begins_again_is_measured_again(clock):
    told = after(clock, Pace(clock), (1, 0.5), (1, 0.1), (2, 0.2))

    assert told == [pytest.approx(1), None, pytest.approx(16)]


def test_nothing_is_known_before_anything_is_done(clock):
    assert after(clock, Pace(clock), (1, 0.0)) == [None]
