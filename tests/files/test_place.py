"""A place that cannot be written is told before anything is computed, and never half filled."""

from __future__ import annotations

import pytest

from napari_sr.files.image import FileError
from napari_sr.files.place import beside, check_place


def test_a_new_name_in_a_folder_will_do(tmp_path):
    check_place(tmp_path / "a.ONNX", (".onnx",), overwrite=False)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.png", r"a\.png must end in \.onnx"),
        ("absent/a.onnx", r"no folder .*absent to write a\.onnx into"),
        ("folder.onnx", r"folder\.onnx is a folder"),
        ("there.onnx", r"there\.onnx exists: give another name, or --overwrite"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(name, what, tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "there.onnx").touch()

    with pytest.raises(FileError, match=what):
        check_place(tmp_path / name, (".onnx",), overwrite=False)


def test_an_existing_file_may_be_overwritten_on_request(tmp_path):
    (tmp_path / "there.onnx").touch()

    check_place(tmp_path / "there.onnx", (".onnx",), overwrite=True)


def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path):
    place = tmp_path / "a.onnx"
    place.write_text("old")

    with pytest.raises(KeyError), beside(place) as unfinished:
        unfinished.write_text("half")
        raise KeyError("stopped")

    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_what_is_finished_takes_the_place(tmp_path):
    place = tmp_path / "a.onnx"

    with beside(place) as unfinished:
        unfinished.write_text("whole")

    assert place.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [place]
