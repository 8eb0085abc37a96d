"""Texts and numbers of a call become what a run over a folder needs."""

from __future__ import annotations

import pytest
from folders import tree_of

from napari_sr.batch.folder_arguments import (
    FILE,
    PERCENTILES,
    RANGE,
    count_images,
    patterns_in,
    range_of,
    reference_of,
)


def test_black_and_white_are_chosen_in_three_ways():
    assert range_of(FILE, 0, 1) is None
    assert range_of(RANGE, 0, 4095) == (0, 4095)
    assert range_of(PERCENTILES, 0, 1).high == 99.9
    with pytest.raises(ValueError, match="got 'guess'"):
        range_of("guess", 0, 1)


def test_files_are_counted_as_the_run_finds_them(tmp_path):
    folders = tree_of(tmp_path / "in", "a.tif", "b.png", "x/c.tif"), tmp_path / "out"

    assert count_images(*folders, "*.tif; *.png") == 2
    assert count_images(*folders, "**/*") == 3
    assert patterns_in(" a ;; b;") == ["a", "b"]


def test_another_model_may_read_the_result():
    assert reference_of("fsrcnn", 2, then="fsrcnn-x3").then.name == "fsrcnn-x3"


def test_a_second_checkpoint_is_blended():
    plain, blended = reference_of("fsrcnn", 2), reference_of("fsrcnn", 2, "other", 0.3)

    assert (plain.second, plain.scale) == (None, 2)
    assert (blended.second.name, blended.weight) == ("other", 0.3)
    assert reference_of("fsrcnn", 2, consistent=True).consistent
