"""Stored axes, and the position of planes along them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.arrangement import arranged


@pytest.mark.parametrize(
    ("axes", "stored"),
    [
        ("YX", "YX"),
        ("ZYX", "ZYX"),
        ("ZCYX", "CZYX"),
        ("CZTYX", "TCZYX"),
        ("YXT", "TYX"),
        ("XY", "YX"),
        ("YXS", "CYX"),
        ("TZYXS", "TCZYX"),
        ("YXC", "CYX"),
    ],
)
def test_axes_are_stored_in_the_order_of_ome_zarr(axes, stored):
    shape = tuple(3 if letter in "CS" else 4 for letter in axes)

    assert arranged(layout_of(shape, "uint8", axes)).letters == stored


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("CYXS", "one axis for channels and colours, but the axes CYXS have two"),
        ("ABYX", "the axes ABYX have A and B: name the axes"),
    ],
)
def test_other_axes_are_refused(axes, message):
    with pytest.raises(FileError, match=message):
        arranged(layout_of((3, 3, 3, 3), "uint8", axes))


@pytest.mark.parametrize("axes", ["ZCYX", "YXT", "XY", "TZYXS", "CTZYX", "XTY"])
def test_planes_written_part_by_part_make_the_image_with_its_axes_in_stored_order(random, axes):
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6, "S": 3}
    pixels = random.integers(0, 255, [sizes[letter] for letter in axes], np.uint8)
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    arrangement = arranged(layout)
    stored = np.zeros(arrangement.shape, np.uint8)

    for plane in layout.planes():
        values = layout.read(pixels, plane)
        for row, column in [(0, 0), (0, 4), (2, 0), (2, 4)]:
            window = values[row : 2 * (row == 0) or None, column : 4 * (column == 0) or None]
            index, part = arrangement.index(plane, row, column, window)
            stored[index] = part

    order = [axes.replace("S", "C").index(letter) for letter in arrangement.letters]
    np.testing.assert_array_equal(stored, pixels.transpose(order))
