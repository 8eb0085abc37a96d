"""Folders of results get free names that file systems accept."""

from __future__ import annotations

import pytest

from napari_sr.streaming.journal import Journal
from napari_sr.streaming.result_folder import folder_name, name_of, next_path, place_problem


def test_names_have_no_letters_that_file_systems_refuse(tmp_path):
    assert folder_name('a/b: "c"?') == "a_b_ _c__.ome.zarr"
    assert folder_name(" . ") == "result.ome.zarr"
    (tmp_path / folder_name(90 * "🔬")).mkdir()


def test_numbers_count_on(tmp_path):
    second = next_path(tmp_path / "cells.ome.zarr")
    third = next_path(second)

    assert (second.name, third.name) == ("cells (2).ome.zarr", "cells (3).ome.zarr")
    assert next_path(tmp_path / "cells (9).zarr").name == "cells (10).ome.zarr"
    assert name_of(third) == "cells"


def test_an_unfinished_result_is_no_problem(tmp_path, monkeypatch):
    (tmp_path / "cells.ome.zarr").mkdir()
    monkeypatch.setattr(Journal, "exists", property(lambda journal: True))

    assert place_problem(tmp_path / "cells.ome.zarr") is None


@pytest.mark.parametrize(("name", "words"), [("there", "exists"), ("no/new", "no folder")])
def test_a_place_that_cannot_be_used_is_named(tmp_path, name, words):
    (tmp_path / "there").mkdir()

    problem = place_problem(tmp_path / name)

    assert words in problem
    assert str(tmp_path) in problem
