"""The identity of a source, which a resumed run compares."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import zarr

from napari_sr.files.ome_zarr import identity
from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.identity import identity_of

DAY = 86_400_000_000_000


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(path, shape=(40, 60), dtype="uint16", chunks=(10, 10))
    array[...] = np.ones((40, 60), np.uint16)
    for entry in [path, *path.rglob("*")]:
        os.utime(entry, ns=(DAY, DAY))
    return path


def of(folder):
    node = read_node(folder)
    array = zarr.open_array(folder, mode="r")
    return identity_of(folder, node.document, array.shape, array.dtype)


def test_it_is_json_and_stays_when_the_image_is_read(folder):
    before = of(folder)

    zarr.open_array(folder, mode="r")[...]

    assert of(folder) == before == json.loads(json.dumps(before))
    assert before["path"] == str(folder.resolve())
    assert (before["shape"], before["dtype"]) == ([40, 60], "uint16")
    assert before["entries"] == 1 + 1 + 4 + 24  # the document, c, its rows, their chunks
    assert before["modified"] == DAY


def test_a_link_is_its_target(folder):
    link = folder.parent / "link.zarr"
    link.symlink_to(folder)

    assert of(link) == of(folder)


def _rewrite(folder):
    zarr.open_array(folder, mode="r+")[11, 12] = 7


def _in_place(folder):
    (folder / "c" / "2" / "3").write_bytes(b"")


def _remove(folder):
    shutil.rmtree(folder / "c" / "3")


def _attributes(folder):
    zarr.open_array(folder, mode="r+").attrs["unit"] = "counts"


def _attributes_with_the_old_date(folder):
    _attributes(folder)
    for entry in [folder, *folder.rglob("*")]:
        os.utime(entry, ns=(DAY, DAY))


def _again(folder):
    shutil.rmtree(folder)
    array = zarr.create_array(folder, shape=(40, 60), dtype="uint16", chunks=(10, 10))
    array[...] = 1


@pytest.mark.parametrize(
    "change",
    [_rewrite, _in_place, _remove, _attributes, _attributes_with_the_old_date, _again],
)
def test_it_differs_once_the_image_has_been_changed(folder, change):
    before = of(folder)

    change(folder)

    assert of(folder) != before


@pytest.mark.needs("zarr")
def test_a_renamed_chunk_is_found_by_the_date_of_its_folder(folder, monkeypatch):
    monkeypatch.setattr(identity, "FILES", 1)
    before = of(folder)

    _rewrite(folder)

    assert of(folder) != before


def test_the_work_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(identity, "FOLDERS", 3)
    monkeypatch.setattr(identity, "FILES", 4)
    stats, stat = [], os.stat
    monkeypatch.setattr(os, "stat", lambda path, **_: (stats.append(path), stat(path))[1])

    found = identity._entries(folder)

    assert found == (2 + 4 + 6, DAY)  # the array, c and its first row
    assert len(stats) <= 3 + 4
