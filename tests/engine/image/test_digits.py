from __future__ import annotations

import math

import pytest

from napari_sr.engine.image.digits import counted, distinct


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0, 255), ["0", "255"]),
        ((-1024, 3071.5), ["-1024", "3071.5"]),
        ((2.58438e-05, 0.999932), ["2.58438e-05", "0.999932"]),
        ((101325.0, 101325.0234375), ["101325", "101325.02344"]),
        ((1e9, 1e9 + 1), ["1000000000", "1000000001"]),
        ((101325.0, 101325.5, 101400.125), ["101325", "101325.5", "101400.1"]),
    ],
)
def test_different_numbers_get_different_text(numbers, expected):
    assert distinct(*numbers) == expected


@pytest.mark.parametrize("step", [1e-9, 1e-3, 1.0])
def test_text_is_within_a_thousandth_of_the_span(step):
    low, high = 54321.123456789, 54321.123456789 + step

    words = distinct(low, high)

    assert max(abs(float(words[0]) - low), abs(float(words[1]) - high)) <= (high - low) / 1000


def test_equal_and_impossible_numbers_are_short():
    assert distinct(1 / 3, 1 / 3) == ["0.333333", "0.333333"]
    assert distinct(math.nan, -math.inf, 2.5) == ["nan", "-inf", "2.5"]
    assert distinct() == []


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 steps"), (1, "1 step"), (1.0, "1 step"), (2, "2 steps"), (0.5, "0.5 steps")],
)
def test_only_one_is_singular(count, text):
    assert counted(count, "step") == text
