"""Paths that cannot be written raise errors before anything is computed."""

from __future__ import annotations

import errno
import os
import sys
from types import SimpleNamespace

import pytest

from napari_sr.files.image import FileError
from napari_sr.files.place import check_apart, check_folder, check_place, check_space


def test_a_new_name_in_a_folder_will_do(tmp_path):
    check_place(tmp_path / "a.ONNX", (".onnx",), overwrite=False)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.png", r"a\.png must end in \.onnx"),
        ("absent/a.onnx", r"a\.onnx cannot be written: there is no folder .*absent"),
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


def test_a_name_that_the_file_system_does_not_take_is_refused(tmp_path):
    with pytest.raises(FileError, match="cannot be written: File name too long"):
        check_place(tmp_path / f"{'a' * 252}.onnx", (".onnx",), overwrite=False)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need rights there")
def test_links_to_files_count_as_files_and_others_are_refused(tmp_path):
    (tmp_path / "there.onnx").touch()
    (tmp_path / "link.onnx").symlink_to("there.onnx")
    (tmp_path / "nowhere.onnx").symlink_to("absent/gone.onnx")
    os.mkfifo(tmp_path / "pipe.onnx")

    check_place(tmp_path / "link.onnx", (".onnx",), overwrite=True)

    for name, what in {
        "link": "link.onnx exists: give another name, or --overwrite",
        "nowhere": "nowhere.onnx is a link to .*gone.onnx, which does not exist",
        "pipe": "pipe.onnx is a pipe or a device, not a regular file",
    }.items():
        with pytest.raises(FileError, match=what):
            check_place(tmp_path / f"{name}.onnx", (".onnx",), overwrite=name != "link")


def test_a_folder_in_which_no_file_can_be_made_is_refused(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)

    with pytest.raises(FileError, match=rf"folder {tmp_path} cannot be written: Read-only"):
        check_place(tmp_path / "a.onnx", (".onnx",), overwrite=False)


def test_a_folder_that_can_be_made_will_do(tmp_path):
    check_folder(tmp_path / "absent" / "deep")
    check_folder(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FileError, match=rf"file is a file: .* than {folder}"):
            check_folder(folder)


def test_a_place_is_looked_at_without_a_trace(tmp_path):
    check_place(tmp_path / "a.onnx", (".onnx",), overwrite=False)

    assert list(tmp_path.iterdir()) == []


def test_a_disk_with_less_room_than_the_result_needs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=3 * 2**20))

    check_space(tmp_path / "a.tif", 3 * 2**20)
    with pytest.raises(
        FileError, match=r"a\.tif needs 4 MiB, but the disk of .* has only 3 MiB free"
    ):
        check_space(tmp_path / "a.tif", 4 * 2**20)


@pytest.mark.parametrize(
    ("result", "source", "told"),
    [
        ("a.zarr", "a.zarr", "is the image to upscale"),
        ("link.zarr", "a.zarr", "is the image to upscale"),
        ("a.zarr", "link.zarr/0", "contains the image to upscale"),
        ("a.zarr/b.zarr", "a.zarr", "is in the image to upscale"),
    ],
)
def test_a_result_neither_replaces_its_source_nor_lies_in_it(tmp_path, result, source, told):
    (tmp_path / "a.zarr" / "0").mkdir(parents=True)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "a.zarr")

    check_apart(tmp_path / "b.zarr", tmp_path / "a.zarr")
    with pytest.raises(FileError, match=told):
        check_apart(tmp_path / result, tmp_path / source)
    told = told.replace("the image to upscale", "the result: give the map another")
    with pytest.raises(FileError, match=told):
        check_apart(tmp_path / result, tmp_path / source, other="the result", what="the map")
