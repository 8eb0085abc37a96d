"""Images are saved with their position and record."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from records import record_of

from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.save import SIDE, save
from napari_sr.files.stored_record import stored_record
from napari_sr.runs.record import for_file

RECORD = for_file(record_of())
PLACES = {"Y": Axis(0.5, -3.0, "micrometer"), "X": Axis(0.25, 4.0, "micrometer")}


def saved(path, image, **more):
    """Save an image; return the numbers of parts that were told."""
    return list(save(path, image, software="napari-sr", **more))


@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif", "a.ome.zarr"])
def test_pixels_place_and_record_come_back(tmp_path, random, name):
    pixels = random.integers(0, 9, (2, 30, SIDE + 40)).astype(np.int16)
    image = LazyImage(pixels, "TYX", {}, PLACES, name="cells", record=RECORD)

    steps = saved(tmp_path / name, image)

    found = open_lazy(tmp_path / name)
    np.testing.assert_array_equal(found.pixels[:], pixels)
    assert {letter: found.places[letter] for letter in "YX"} == PLACES
    assert (found.axes, found.name) == ("TYX", "cells")
    stored = stored_record(tmp_path / name)
    assert {key: stored[key] for key in RECORD} == RECORD
    assert steps[-1][0] == steps[-1][1]


def test_an_image_at_the_origin_without_a_record_has_none(tmp_path):
    saved(tmp_path / "a.ome.tif", LazyImage(np.zeros((4, 5), np.uint8), "YX", {}))

    assert stored_record(tmp_path / "a.ome.tif") is None


def test_coarser_levels_are_kept(tmp_path):
    pixels = np.zeros((8, 8), np.uint8)

    saved(tmp_path / "a.ome.tif", LazyImage(pixels, "YX", {}), levels=[pixels[::2, ::2]])

    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert [level.shape for level in file.series[0].levels] == [(8, 8), (4, 4)]


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr"])
def test_unknown_axes_get_letters_of_ome(tmp_path, name):
    pixels = np.arange(120, dtype=np.uint8).reshape(2, 3, 4, 5)
    places = {"Q": Axis(2.0, 0.0, "micrometer")}

    saved(tmp_path / name, LazyImage(pixels, "AQYX", {}, places))

    found = open_lazy(tmp_path / name)
    assert found.axes == "TZYX"
    assert found.places["Z"] == places["Q"]
    np.testing.assert_array_equal(found.pixels[:], pixels)


def test_files_are_replaced_only_if_asked(tmp_path):
    image = LazyImage(np.zeros((4, 5), np.uint8), "YX", {})
    saved(tmp_path / "a.tif", image)

    with pytest.raises(FileError, match=r"a\.tif exists"):
        saved(tmp_path / "a.tif", image)
    saved(tmp_path / "a.tif", image, overwrite=True)


@pytest.mark.parametrize(
    ("pixels", "axes", "name", "message"),
    [
        (np.zeros((4, 5), np.float16), "YX", "a.tif", "of 32 or 64, not float16"),
        (np.zeros((1, 1, 1, 1, 4, 5)), "ABTZYX", "a.tif", "T, Z, C, Y and X, got the axes ABTZYX"),
        (np.zeros((1, 1, 1, 1, 4, 5)), "ABTZYX", "a.zarr", "T, Z, C, Y and X, got the axes ABTZYX"),
        (np.zeros((4, 5)), "YX", "a.png", "must end in one of .tif"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, pixels, axes, name, message):
    with pytest.raises(FileError, match=message):
        saved(tmp_path / name, LazyImage(pixels, axes, {}))
