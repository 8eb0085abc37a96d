"""What the cells of the table of models show, and how they are sorted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_sr.runs.model_columns import COLUMNS, NONE
from napari_sr.runs.model_speed import Speed
from napari_sr.runs.model_table import rows
from napari_sr.runs.words import TIMES


@pytest.fixture(autouse=True)
def _no_downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)


def plain(text):
    """Return a text with ASCII letters in place of the two signs that the cells have."""
    return text.replace(TIMES, "x").replace(NONE, "-")


def column(title):
    return next(one for one in COLUMNS if one.title == title)


def row(name):
    return next(one for one in rows() if one.model.name == name)


def timed(found, *seconds):
    speeds = [None if one is None else Speed(one, "cpu", "2", "here") for one in seconds]
    pairs = zip(found.scales, speeds, strict=True)
    return replace(found, scales=tuple(replace(one, speed=speed) for one, speed in pairs))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("bsrn", ["BSRN", "photographs, best quality", "no, 3.0 MB", "x2, x4", "38.10 / 32.35", "-",
                  "332 / 352 K", "2022", "MIT", "DF2K"]),
        ("fsrcnn", ["FSRCNN", "photographs, fast", "included", "x2, x3, x4",
                    "37.10 / 33.14 / 30.86", "-", "12.8 K", "2016", "BSD-3-Clause",
                    "T91, General100, BSDS500 train"]),
        ("mslapsrn", ["MS-LapSRN (D5R5)", "up to x8, slow", "no, 0.9 MB", "x2, x3, x4, x8",
                      "37.68 / 33.99 / 31.72 / 26.33", "-", "223 K", "2019", "none stated",
                      "T91, BSDS200"]),
        ("nearest", ["Nearest", "repeats pixels", "included", "x2, x3, x4, x8",
                     "30.86 / 27.93 / 26.26 / 22.91", "-", "-", "-", "none needed", "nothing"]),
    ],
)  # fmt: skip
def test_a_row_s_cells(name, cells):
    assert [plain(one.text(row(name))) for one in COLUMNS] == cells


def test_a_part_of_the_scales_may_be_here(tmp_path):
    bsrn = row("bsrn")
    half = replace(bsrn, scales=(replace(bsrn.scales[0], path=tmp_path), bsrn.scales[1]))

    assert column("Installed").text(half) == "1 of 2"


def test_speeds_are_shown_for_each_scale_and_sorted_by_the_least():
    speed = column("s per MP")

    assert plain(speed.text(timed(row("bsrn"), 0.42, None))) == "0.42 / -"
    assert speed.key(timed(row("bsrn"), 0.5, 0.4)) == 0.4
    assert speed.key(row("bsrn")) is None


@pytest.mark.parametrize(
    ("title", "low", "high"),
    [
        ("Model", "bsrn", "fsrcnn"),
        ("Installed", "fsrcnn", "bsrn"),
        ("PSNR, dB", "fsrcnn", "bsrn"),
        ("Parameters", "fsrcnn", "bsrn"),
        ("Year", "srcnn", "bsrn"),
        ("Scale", "bsrn", "mslapsrn"),
    ],
)
def test_columns_are_sorted_by_what_they_mean(title, low, high):
    assert column(title).key(row(low)) < column(title).key(row(high))


def test_every_column_explains_itself():
    assert all(one.tip.endswith(".") for one in COLUMNS)
