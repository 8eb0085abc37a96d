"""The time left, from a clock that the test sets."""

from __future__ import annotations

import pytest

from napari_sr.engine.execution.pace import Pace


class Clock:
    """A clock that the test sets."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def after(clock, pace, *steps):
    """Return the seconds left after each step of (seconds, share)."""
    left = []
    for seconds, share in steps:
        clock.now += seconds
        left.append(pace.seconds_left(share))
    return left


def test_an_even_pace_is_extrapolated(clock):
    seconds = after(clock, Pace(clock), (2, 0.25), (2, 0.5), (2, 0.75), (2, 1.0))

    assert seconds == pytest.approx([6, 4, 2, 0])


def test_a_slow_first_tile_does_not_count_for_long(clock):
    seconds = after(clock, Pace(clock), (10, 0.1), *((1, 0.1 * n) for n in range(2, 10)))

    assert seconds[0] == pytest.approx(90)
    assert seconds[1:] == pytest.approx([8, 7, 6, 5, 4, 3, 2, 1])


def test_a_slower_pace_is_noticed(clock):
    even = [(1, 0.01 * n) for n in range(1, 11)]
    busy = [(4, 0.1 + 0.01 * n) for n in range(1, 11)]

    seconds = after(clock, Pace(clock), *even, *busy)

    assert seconds[9] == pytest.approx(90)
    assert seconds[-1] == pytest.approx(4 * 80)


def test_a_plane_that_starts_again_is_measured_again(clock):
    seconds = after(clock, Pace(clock), (2, 0.5), (1, 0.1), (2, 0.2))

    assert seconds == [pytest.approx(2), None, pytest.approx(16)]


def test_the_first_moments_tell_nothing_about_the_end(clock):
    seconds = after(clock, Pace(clock), (1.5, 0.001), (0.4, 0.9), (0.1, 1.0))

    assert seconds == [None, None, 0.0]


def test_nothing_is_known_before_anything_is_done(clock):
    assert after(clock, Pace(clock), (1, 0.0)) == [None]


def test_a_pause_is_not_counted(clock):
    pace = Pace(clock)
    before = after(clock, pace, (2, 0.25), (2, 0.5))

    clock.now += 1000
    pace.go_on()

    assert before == pytest.approx([6, 4])
    assert after(clock, pace, (2, 0.75)) == pytest.approx([2])
    assert pace.away == pytest.approx(1000)
