"""Folders of results get free names that file systems accept."""

from __future__ import annotations

import pytest

from napari_sr.streaming.journal import Journal
from napari_sr.streaming.result_folder import free_path, name_of, place_problem


def test_names_have_no_letters_that_file_systems_refuse(tmp_path):
    assert free_path(tmp_path, 'a/b: "c"?').name == "a_b_ _c__.ome.zarr"
    assert free_path(tmp_path, " . ").name == "result.ome.zarr"
    free_path(tmp_path, 90 * "🔬").mkdir()


def test_a_number_is_added_until_the_name_is_free(tmp_path):
    (tmp_path / "cells.ome.zarr").mkdir()

    path = free_path(tmp_path, "cells")

    assert path.name == "cells (2).ome.zarr"
    assert name_of(path) == name_of(tmp_path / "cells.ome.zarr") == "cells"


def test_an_unfinished_result_is_offered_only_to_who_resumes(tmp_path, monkeypatch):
    (tmp_path / "cells.ome.zarr").mkdir()
    monkeypatch.setattr(Journal, "exists", property(lambda journal: True))

    assert free_path(tmp_path, "cells", resumes=True).name == "cells.ome.zarr"
    assert free_path(tmp_path, "cells").name == "cells (2).ome.zarr"
    assert place_problem(tmp_path / "cells.ome.zarr") is None


@pytest.mark.parametrize(("name", "words"), [("there", "exists"), ("no/new", "no folder")])
def test_a_place_that_cannot_be_used_is_named(tmp_path, name, words):
    (tmp_path / "there").mkdir()

    problem = place_problem(tmp_path / name)

    assert words in problem
    assert str(tmp_path) in problem
