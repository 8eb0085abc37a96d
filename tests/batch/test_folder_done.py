"""Which results are done, which differ, and which belong to somebody else."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
from blocks import request_of, run
from folders import image_at

from napari_sr.batch.folder_done import identity_of, is_done, without_names
from napari_sr.files.folder_journal import journal_of
from napari_sr.files.image import FileError

RUN = {"settings": {"tile": None}}


def entry_of(out, name, done=True):
    with journal_of(out) as journal:
        journal.begin(name, {"size": 3}, RUN)
        if done:
            image_at(out / name)
            journal.done(name)
        return journal.entry(name)


def key(tile=None):
    return {"source": {"size": 3}, "settings": {"tile": tile}}


def test_a_result_is_done_only_by_the_same_run(tmp_path):
    entry, target = entry_of(tmp_path, "a.tif"), tmp_path / "a.tif"

    assert is_done(target, entry, key(), overwrite=False)
    assert is_done(target, entry, key(), overwrite=True)
    assert not is_done(target, entry, key(64), overwrite=True)
    with pytest.raises(
        FileError, match=r"a\.tif was computed differently: settings.tile was null and is 64"
    ):
        is_done(target, entry, key(64), overwrite=False)


def test_what_is_not_there_is_not_done(tmp_path):
    entry = entry_of(tmp_path, "a.tif")
    (tmp_path / "a.tif").unlink()

    assert not is_done(tmp_path / "a.tif", entry, key(64), overwrite=False)
    assert not is_done(tmp_path / "b.tif", None, key(), overwrite=False)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_result_that_nobody_noted_belongs_to_others(tmp_path, overwrite):
    image_at(tmp_path / "a.tif")

    with pytest.raises(FileError, match="was not written by a run over this folder"):
        is_done(tmp_path / "a.tif", None, key(), overwrite=overwrite)


@pytest.mark.needs("zarr")
def test_an_unfinished_ome_zarr_is_not_done(tmp_path):
    request = request_of(image_at(tmp_path / "a.tif"), tmp_path / "a.zarr")
    entry = entry_of(tmp_path, "a.zarr", done=False)
    run(request, [])

    assert not is_done(request.result, entry, key(), overwrite=False)
    (request.result / ".napari-sr" / "task.json").unlink()
    assert not is_done(request.result, entry, key(), overwrite=False)
    run(request_of(request.source, request.result, overwrite=True))
    assert is_done(request.result, entry, key(), overwrite=False)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.zarr"])
def test_an_identity_changes_with_the_image_and_not_with_its_place(tmp_path, name):
    path = image_at(tmp_path / ("a.tif" if name == "a.zarr" else name))
    if name == "a.zarr":
        run(request_of(path, tmp_path / name))
    (tmp_path / "x").mkdir()
    before = identity_of(tmp_path / name, None)
    os.rename(tmp_path / name, tmp_path / "x" / name)

    assert identity_of(tmp_path / "x" / name, None) == before
    if name == "a.zarr":
        run(request_of(image_at(path, 3, (9, 8)), tmp_path / "x" / name, overwrite=True))
    else:
        image_at(tmp_path / "x" / name, 3)
    assert identity_of(tmp_path / "x" / name, None) != before


def test_all_parts_of_an_image_count(tmp_path):
    pixels = np.zeros((1, 9, 7), np.uint8)
    tifffile.imwrite(tmp_path / "b.ome.tif", pixels, metadata={"axes": "ZYX", "UUID": "b"})
    words = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="7" SizeY="9" SizeZ="2" '
        'SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData IFD="0" FirstZ="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:a</UUID>'
        '</TiffData><TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="b.ome.tif">'
        "urn:uuid:b</UUID></TiffData></Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels[0], description=words, metadata=None)
    before = identity_of(tmp_path / "a.ome.tif", None)
    tifffile.imwrite(tmp_path / "b.ome.tif", pixels + 1, metadata={"axes": "ZYX", "UUID": "b"})

    assert len(before["parts"]) == 1
    assert identity_of(tmp_path / "a.ome.tif", None) != before


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(FileError, match=r"a\.zarr is a folder"):
        identity_of(tmp_path / "a.zarr", None)
    with pytest.raises(FileError, match="there is no file"):
        identity_of(tmp_path / "b.tif", None)


def test_names_of_checkpoints_do_not_count():
    one = {"model": "a", "file": "/a.pth", "sha256": "1", "scale": 2}
    both = {"model": "a + b", "scale": 2, "weight": 0.3, "blended": [one, one]}

    assert without_names(one) == {"sha256": "1", "scale": 2}
    assert without_names(both) == {
        "scale": 2, "weight": 0.3, "blended": [without_names(one), without_names(one)]
    }  # fmt: skip
