"""Pictures: every plane, its type and its range, and only what is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.training.data.pictures import of_array


class Watched:
    """An array that remembers how many pixels were read of it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, 0

    def __getitem__(self, index):
        part = self.array[index]
        self.read += part.size
        return part


def test_every_plane_of_a_stack_is_a_picture_with_a_name(random):
    stack = random.integers(0, 256, (2, 3, 5, 7), dtype=np.uint8)

    pictures = of_array(stack, name="cells", axes="TZYX")

    assert [picture.name for picture in pictures][::5] == [
        "cells, plane (0, 0)",
        "cells, plane (1, 2)",
    ]
    assert [(one.height, one.width, one.channels) for one in pictures] == [(5, 7, 1)] * 6
    np.testing.assert_array_equal(pictures[4].whole()[0] * 255, stack[1, 1])


@pytest.mark.parametrize("axes", ["XY", "ZXY", "YXC", "XCY"])
def test_a_crop_is_rows_and_columns_whatever_the_order_of_axes(axes, random):
    lengths = {"X": 9, "Y": 6, "C": 3, "Z": 1}
    array = random.random([lengths[axis] for axis in axes])

    picture = of_array(array, axes=axes)[-1]

    rows, columns = slice(1, 5), slice(2, 9)
    order = [axes.index(axis) for axis in ("ZYX" if "Z" in axes else "CYX") if axis in axes]
    expected = array.transpose(order)[..., rows, columns]
    expected = expected[-1:] if axes == "XCY" else expected.reshape(-1, 4, 7)
    np.testing.assert_array_equal(picture.crop(rows, columns), expected.astype(np.float32))


def test_a_lazy_array_gives_no_more_than_the_crop(random):
    watched = Watched(random.integers(0, 9, (4, 100, 100), dtype=np.uint16))

    of_array(watched)[2].crop(slice(10, 15), slice(20, 30))

    assert watched.read == 50


def test_a_zarr_is_read_as_numpy_is(tmp_path, random):
    zarr = pytest.importorskip("zarr")
    pixels = random.integers(0, 4096, (2, 20, 30), dtype=np.uint16)
    stored = zarr.create_array(tmp_path / "a.zarr", shape=pixels.shape, dtype=pixels.dtype)
    stored[:] = pixels

    lazy, plain = (of_array(one, value_range=(0, 4095))[1].whole() for one in (stored, pixels))

    assert torch.equal(lazy, plain)


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint8, 255), (np.uint16, 65_535), (np.float32, 1), (np.float64, 1)]
)
def test_values_keep_their_precision(dtype, white, random):
    values = random.random((40, 50)) * white
    pixels = values.astype(dtype)

    crop = of_array(pixels)[0].whole()

    assert crop.dtype == torch.float32
    # one rounding to float32
    np.testing.assert_allclose(crop[0], pixels / np.float64(white), rtol=2**-24, atol=0)


@pytest.mark.parametrize(
    ("dtype", "declared", "steps"),
    [
        (np.uint8, None, 255),
        (np.uint16, None, 65_535),
        (np.uint16, (0, 4095), None),
        (np.int16, None, None),
        (np.float32, None, None),
    ],
)
def test_only_whole_integer_types_are_rounded_to_later(dtype, declared, steps):
    assert of_array(np.zeros((2, 2), dtype), value_range=declared)[0].steps == steps


def test_a_declared_range_is_black_and_white():
    pixels = np.array([[100, 300, 500]], dtype=np.int32)

    crop = of_array(pixels, value_range=(100, 500))[0].whole()

    assert crop.tolist() == [[[0, 0.5, 1]]]


def test_percentiles_are_taken_of_the_array():
    pixels = np.linspace(5, 9, 101, dtype=np.float64)[None]

    crop = of_array(pixels, value_range=Percentiles(0, 100))[0].whole()

    assert (crop.min().item(), crop.max().item()) == (0, 1)


def test_alpha_is_left_out(random):
    pixels = random.integers(0, 256, (4, 5, 4), dtype=np.uint8)

    picture = of_array(pixels)[0]

    assert picture.channels == 3
    np.testing.assert_array_equal(picture.whole().permute(1, 2, 0) * 255, pixels[..., :3])


def test_a_part_is_a_picture_of_its_own(random):
    pixels = random.integers(0, 256, (9, 8), dtype=np.uint8)

    part = of_array(pixels)[0].part(slice(5, None), slice(0, 6)).part(slice(1, 3), slice(2, 6))

    assert (part.height, part.width) == (2, 4)
    np.testing.assert_array_equal(part.crop(slice(1, 2), slice(0, 3))[0] * 255, pixels[7:8, 2:5])


@pytest.mark.parametrize("rows", [slice(4, 4), slice(9, 12), slice(0, 4, 2)], ids=str)
def test_a_part_without_pixels_is_refused(rows):
    picture = of_array(np.zeros((9, 8), np.uint8), name="cells")[0]

    with pytest.raises(ValueError, match=rf"part of cells .* 9 x 8 pixels, got rows {rows.start}:"):
        picture.part(rows, slice(0, 8))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 4), np.uint8), r"mine: .* at least two axes and one pixel, got shape \(0, 4"),
        (np.zeros(4, np.uint8), r"mine: .* got shape \(4,\)"),
        (np.zeros((4, 4), bool), "mine: .* an array of bool"),
        (np.zeros((4, 4), np.int32), r"mine: an image of int32 needs value_range=\(low, high\)"),
    ],
)
def test_what_is_no_image_is_refused_by_name(array, words):
    with pytest.raises(ValueError, match=words):
        of_array(array, name="mine")


def test_floats_outside_an_undeclared_range_are_refused_by_name():
    pixels = np.full((4, 4), 3000.0, np.float32)

    with pytest.raises(ValueError, match="mine needs floats from 0 to 1, got 3000 to 3000"):
        of_array(pixels, name="mine")[0].whole()
    assert of_array(pixels, value_range=(0, 3000))[0].whole().max() == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_counted(value):
    pixels = np.zeros((4, 4), np.float32)
    pixels[1, 2:] = value

    with pytest.raises(ValueError, match="array has 2 NaN or infinite values"):
        of_array(pixels)[0].whole()
