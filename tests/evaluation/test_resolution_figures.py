"""Figures as a table, as CSV and in words."""

from __future__ import annotations

import csv
import io
import math

import pytest

from napari_sr.evaluation.resolution_figures import CAVEAT, Figure, Resolution

FOUND = Resolution(
    [
        Figure("one", "µm", 0.123456789, None, ("result: cannot be split",)),
        Figure("two", "µm", math.inf, 2.0, ("source: chance", "result: cannot be split")),
        Figure("three", "", None, 0.5),
    ],
    notes=["measured in the middle"],
)


def test_the_text_has_all_figures_each_note_once_and_the_caveat():
    lines = FOUND.text().splitlines()

    assert lines[1].split() == ["one,", "µm", "0.1235", "-"]
    assert lines[2].split() == ["two,", "µm", "none", "2"]
    assert lines[3].split() == ["three", "-", "0.5"]
    assert lines[5:] == [
        "one; two: result: cannot be split.",
        "two: source: chance.",
        "measured in the middle.",
        CAVEAT,
    ]


def test_csv_has_ten_digits_and_further_columns():
    rows = list(csv.DictReader(io.StringIO(FOUND.csv({"layer": "cells"}))))

    assert {row["layer"] for row in rows} == {"cells"}
    assert [row["source"] for row in rows] == ["0.123456789", "inf", ""]
    assert rows[1]["note"] == "source: chance; result: cannot be split"


def test_a_figure_is_found_by_its_name():
    assert FOUND.figure("two").result == 2
    with pytest.raises(KeyError, match=r"'four'.*'three'"):
        FOUND.figure("four")
