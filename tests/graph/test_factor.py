"""Factors are exact, and pixels of results meet without gaps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.graph.factor import (
    boundary,
    bounds,
    exact_factor,
    factor_in,
    first_edge,
    in_words,
    number_of,
)

FACTORS = st.one_of(
    st.integers(1, 16),
    st.fractions(1, 16, max_denominator=1000),
    st.floats(1, 16).map(exact_factor),
)


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        (2.5, Fraction(5, 2)),
        (1.3, Fraction(13, 10)),
        (3.0, 3),
        (Fraction(13, 12), Fraction(13, 12)),
    ],
)
def test_a_number_is_the_factor_as_it_is_written(value, factor):
    found = exact_factor(value)

    assert (found, type(found)) == (factor, type(factor))
    assert factor_in(str(found)) == found
    assert number_of(found) == float(value)


@pytest.mark.parametrize("text", ["", "x", "1/0", "2,5", "1e999999999", "1e-99999999", "9" * 10**6])
def test_a_text_that_is_no_number_is_no_factor(text):
    with pytest.raises(ValueError, match=r"2\.5 or 5/2"):
        factor_in(text)


@given(FACTORS, st.integers(1, 5000), st.integers(0, 5000))
def test_spans_that_meet_in_the_source_meet_in_the_result(factor, size, cut):
    cut = min(cut, size)
    left, right = bounds(slice(0, cut), factor), bounds(slice(cut, size), factor)

    assert (left.start, left.stop) == (0, right.start)
    assert abs(right.stop - size * factor) <= Fraction(1, 2)
    assert abs(first_edge(cut, factor) - cut) <= 0.5 / factor + 1e-12


def test_a_whole_factor_moves_no_boundary():
    assert boundary(7, 3) == 21
    assert first_edge(7, 3) == 7


def test_a_factor_is_told_with_few_digits():
    assert [in_words(one) for one in (2, Fraction(5, 2), Fraction(13, 12))] == [
        "2",
        "2.5",
        "1.0833",
    ]
