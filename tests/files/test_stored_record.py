"""The record in the files of results, in every format that can hold one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from records import record_of

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files import formats
from napari_sr.files.image import FileError, ImageFile
from napari_sr.files.large_tiff import write_large_tiff
from napari_sr.files.lazy_image import LazyImage
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.files.scientific.other import write_other
from napari_sr.files.stored_record import stored_record
from napari_sr.runs.record import for_file

RECORD = for_file(record_of())


def image_file(**changes):
    pixels = np.zeros((4, 6), np.uint8)
    return ImageFile(pixels, "YX", record=RECORD, **changes)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.tif", {}),
        ("a.tif", {"details": {"description": "mine"}}),
        ("a.tif", {"kind": "imagej"}),
        ("a.ome.tif", {}),
        ("a.ome.tif", {"kind": "ome"}),
        ("a.png", {}),
        ("a.jpg", {}),
    ],
    ids=str,
)
def test_a_record_is_written_and_read(tmp_path, name, changes):
    formats.write(tmp_path / name, image_file(**changes))

    assert stored_record(tmp_path / name) == RECORD


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_record_is_not_taken_for_metadata_of_the_source(tmp_path, name):
    formats.write(tmp_path / name, image_file())

    read = formats.read(tmp_path / name)

    assert read.notes == ()
    assert read.record is None


@pytest.mark.needs("formats")
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mrc"])
def test_scientific_files_hold_a_record(tmp_path, name):
    pixels = np.arange(48, dtype=np.int16).reshape(2, 4, 6)
    image = LazyImage(pixels, "ZYX", {}, record=RECORD)

    for _ in write_other(tmp_path / name, pixels, "ZYX", image, 1, "napari-sr"):
        pass

    assert stored_record(tmp_path / name) == RECORD
    from napari_sr.files.lazy import open_lazy

    np.testing.assert_array_equal(open_lazy(tmp_path / name).pixels[:], pixels)


def test_a_large_tiff_holds_a_record(tmp_path):
    pixels = np.zeros((4, 6), np.uint8)
    image = LazyImage(pixels, "YX", {}, record=RECORD)

    for _ in write_large_tiff(tmp_path / "a.tif", [pixels], "YX", image, 1, "napari-sr"):
        pass

    assert stored_record(tmp_path / "a.tif") == RECORD


def test_omes_annotation_stands_in_for_a_tag_that_another_program_dropped(tmp_path):
    formats.write(tmp_path / "a.ome.tif", image_file())
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        xml = file.ome_metadata
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 6), np.uint8), description=xml.encode())

    assert stored_record(tmp_path / "b.tif") == RECORD


@pytest.mark.needs("zarr")
def test_an_ome_zarr_holds_the_record_of_the_run_that_ended(tmp_path):
    layout = layout_of((4, 6), np.dtype(np.uint8))
    provenance = {"record": {**RECORD, "notes": []}}
    path = tmp_path / "a.ome.zarr"
    writer = ome_zarr.create(path, layout, block=(512, 512), provenance=provenance)
    assert stored_record(path)["notes"] == []
    writer.write((), 0, 0, np.zeros((4, 6), np.uint8))

    writer.finish(RECORD)

    assert stored_record(path) == RECORD


def test_files_of_others_hold_none(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 6), np.uint8))
    (tmp_path / "a.txt").write_text("text")

    assert stored_record(tmp_path / "a.tif") is None
    assert stored_record(tmp_path / "a.txt") is None
    assert stored_record(tmp_path) is None
    with pytest.raises(FileError, match="there is no file"):
        stored_record(Path("none.tif"))
