from __future__ import annotations

import json
import os

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.files.ome_zarr.folder import create_folder, discard, make_room, mark, open_levels
from napari_sr.files.ome_zarr.shards import levels_of


@pytest.fixture(params=["0.5", "0.4"])
def folder(tmp_path, request):
    layout = layout_of((300, 700, 3), "uint8", "YXS")
    levels = levels_of(300, 700, (128, 128))
    datasets = [{"path": str(number)} for number in range(len(levels))]
    attributes = {
        "ome": {"multiscales": [{"datasets": datasets}]},
        "napari_sr": {"model": "edsr", "complete": False},
    }
    create_folder(tmp_path / "a.zarr", attributes, levels, arranged(layout), request.param)
    return tmp_path / "a.zarr"


def attributes_of(folder):
    newer = folder / "zarr.json"
    if newer.exists():
        return json.loads(newer.read_text())["attributes"]
    return json.loads((folder / ".zattrs").read_text())


@pytest.mark.needs("zarr")
def test_levels_are_opened_to_be_read_and_to_be_written(folder):
    readable, targets = open_levels(folder, 3)

    assert [level.shape for level in readable] == [(3, 300, 700), (3, 150, 350), (3, 75, 175)]
    targets[0][:] = np.ones((3, 300, 700), np.uint8)
    assert readable[0][...].min() == 1
    with pytest.raises(ValueError, match="read-only"):
        readable[0][0, 0, 0] = 0


def test_one_more_level_than_there_is_means_a_damaged_image(folder):
    with pytest.raises(FileError, match=r"a\.zarr was not created completely, or is damaged"):
        open_levels(folder, 4)


def test_marking_changes_one_entry_and_keeps_all_others(folder):
    mark(folder, "napari_sr", {"complete": True})

    assert attributes_of(folder)["napari_sr"] == {"model": "edsr", "complete": True}
    assert attributes_of(folder)["ome"]["multiscales"]


def test_a_failed_mark_keeps_the_old_attributes(folder, monkeypatch):
    before = attributes_of(folder)

    def fail(*names):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output error"):
            mark(folder, "napari_sr", {"complete": True})

    assert attributes_of(folder) == before


def test_room_is_made_only_where_a_zarr_image_was(folder):
    make_room(folder.parent / "new.zarr", overwrite=False)
    with pytest.raises(FileError, match="exists: give another name, or --overwrite"):
        make_room(folder, overwrite=False)

    make_room(folder, overwrite=True)

    assert not folder.exists()
    (folder.parent / "empty").mkdir()
    make_room(folder.parent / "empty", overwrite=False)


@pytest.mark.parametrize("name", ["labels", "notes.txt", "other.zarr"])
def test_what_lies_beside_the_levels_of_an_image_is_never_removed(folder, name):
    (folder / name).mkdir()

    with pytest.raises(FileError, match=f"also holds {name} and is not overwritten"):
        make_room(folder, overwrite=True)

    assert (folder / name).exists()


def test_a_level_of_an_image_is_not_overwritten_by_another_image(folder):
    with pytest.raises(FileError, match=r"0 is a part of .*a\.zarr and is not overwritten"):
        make_room(folder / "0", overwrite=True)


def test_an_array_is_overwritten_with_its_chunks(tmp_path):
    for name in ("c/0/0", "zarr.json"):
        (tmp_path / "a.zarr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a.zarr" / name).write_text('{"node_type": "array"}')

    make_room(tmp_path / "a.zarr", overwrite=True)

    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_removal_is_completed_by_the_next_one(folder, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            discard(folder)
    assert not folder.exists()
    (folder.parent / "b.zarr").mkdir()

    discard(folder.parent / "b.zarr")

    assert list(folder.parent.iterdir()) == []
