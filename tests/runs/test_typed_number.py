"""Numbers with a decimal comma are read; a comma that may separate thousands is refused."""

from __future__ import annotations

import pytest

from napari_sr.runs.typed_number import number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2,5", 2.5), (" 2.5 ", 2.5), ("0,125", 0.125), ("12,3456", 12.3456), ("-,5", -0.5),
        ("2,", 2),
        ("1,5e-3", 0.0015), ("65535", 65535), ("1234,567", 1234.567), ("1e-3", 0.001),
    ],
)  # fmt: skip
def test_a_comma_or_a_point_comes_before_the_decimals(text, number):
    assert number_in(text) == number


@pytest.mark.parametrize("text", ["65,535", "-1,250", "1,500e3"])
def test_a_comma_that_may_separate_thousands_is_refused_with_both_readings(text):
    both = rf"may mean {text.replace(',', '')} or {text.replace(',', '[.]')}: write one of them"
    with pytest.raises(ValueError, match=both):
        number_in(text)


@pytest.mark.parametrize("text", ["1,234.5", "1.234,5", "1,234,567", ",", "a,5", "2,5 um"])
def test_other_texts_with_commas_are_refused_with_the_text(text):
    with pytest.raises(ValueError, match=rf"one decimal point or comma.*got '{text}'"):
        number_in(text)


@pytest.mark.parametrize("text", ["", "many", "1 234"])
def test_a_text_without_a_number_is_refused(text):
    with pytest.raises(ValueError, match=f"a number such as 2.5 is needed, got '{text}'"):
        number_in(text)
