from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_sr.engine.image.arrays import Cropped, layout_of, pixels_of, refuse_masked


def test_a_last_c_of_three_is_colour_and_of_five_is_looped_over():
    colour = layout_of((5, 7, 3), "uint8", "YXC")
    channels = layout_of((5, 7, 5), "uint8", "YXC")

    assert (colour.samples, colour.count) == (True, 1)
    assert (channels.samples, channels.count) == (False, 5)


@pytest.mark.parametrize("axes", ["YX", "XY", "ZYX", "XZY", "YXC", "XTYC", "TXZYS"])
def test_writing_what_was_read_restores_the_array(axes, random):
    sizes = {"Y": 5, "X": 7, "Z": 2, "T": 3, "C": 3, "S": 4}
    image = random.random(tuple(sizes[letter] for letter in axes))
    layout = layout_of(image.shape, image.dtype, axes)
    copy = np.full_like(image, np.nan)

    for plane in layout.planes():
        block = layout.read(image, plane)
        assert block.shape[:2] == (5, 7)
        layout.write(copy, plane, slice(0, 5), slice(0, 4), block[:, :4])
        layout.write(copy, plane, slice(0, 5), slice(4, 7), block[:, 4:])

    np.testing.assert_array_equal(copy, image)


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_floats_become_nan(lazy):
    floats = np.arange(42.0, dtype=np.float32).reshape(6, 7)
    masked = np.ma.masked_array(floats, mask=floats > 30)

    block = pixels_of(da.from_array(masked, chunks=4) if lazy else masked)

    assert type(block) is np.ndarray
    np.testing.assert_array_equal(np.isnan(block), masked.mask)
    np.testing.assert_array_equal(block[~masked.mask], floats[~masked.mask])


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_integers_are_refused_with_their_number(lazy):
    grey = np.arange(42, dtype=np.uint8).reshape(6, 7) % 5
    masked = np.ma.masked_array(grey, mask=grey == 3)
    masked = da.from_array(masked, chunks=9) if lazy else masked
    count = np.count_nonzero(grey == 3)

    with pytest.raises(ValueError, match=rf"^{count} of 42 values are masked, and uint8"):
        pixels_of(masked)


def test_an_empty_mask_is_accepted():
    masked = np.ma.masked_array(np.zeros((6, 7), np.uint8))

    refuse_masked(masked)

    assert type(pixels_of(masked)) is np.ndarray


def test_a_crop_slices_as_the_part_of_the_image_does():
    image = np.arange(3 * 40 * 50).reshape(40, 3, 50)
    layout = layout_of(image.shape, image.dtype, "YTX")
    crop, part = Cropped(image, layout, slice(5, 25), slice(10, 41)), image[5:25, :, 10:41]

    assert (crop.shape, crop.dtype) == (part.shape, image.dtype)
    for index in np.s_[:, :, :], np.s_[3:, 1, :-2], np.s_[::4, 2:, 1:20:3]:
        np.testing.assert_array_equal(crop[index], part[index])
    with pytest.raises(TypeError, match="axis 0 of a crop needs a slice, got 3"):
        crop[3, 0, :]


@pytest.mark.parametrize(
    ("dtype", "floats"),
    [("uint8", "float32"), ("int16", "float32"), ("uint32", "float64"), ("float16", "float32"),
     ("float32", "float32"), ("float64", "float64")],
)  # fmt: skip
def test_floats_of_means_are_as_wide_as_the_values_need(dtype, floats):
    layout = layout_of((3, 4), dtype)

    assert layout.as_floats.dtype == floats
    assert layout.as_floats.shape == (3, 4)
