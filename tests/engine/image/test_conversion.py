"""Objects that users pass as images become the right pixels, or an error of one sentence."""

from __future__ import annotations

import pathlib

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from PIL import Image
from scipy import sparse

import napari_sr
from napari_sr.engine.image.arrays import pixels_of
from napari_sr.engine.image.conversion import (
    Extension,
    as_array,
    fill_missing,
    is_number,
    whole_number,
)

RGB = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
GREY, ALPHA = RGB[..., 0], RGB[..., 1]
FLOATS = GREY.astype(np.float32) / 255
MASKED = np.ma.masked_array(FLOATS, mask=GREY > 128)


@pytest.mark.parametrize(
    "array",
    [GREY, zarr.array(GREY), da.from_array(GREY, chunks=3), GREY[::-1, ::-2], MASKED],
    ids=["NumPy", "Zarr", "dask", "strides", "masked"],
)
def test_arrays_that_slice_to_pixels_are_returned_unchanged(array):
    assert as_array(array) is array


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (FLOATS.tolist(), FLOATS),
        ([GREY, GREY], np.stack([GREY, GREY])),
        (pd.DataFrame(FLOATS), FLOATS),
        (sparse.csr_matrix(FLOATS), FLOATS),
        (torch.from_numpy(FLOATS).requires_grad_(), FLOATS),
        (torch.from_numpy(FLOATS).half(), FLOATS.astype(np.float16)),
        (torch.from_numpy(FLOATS).bfloat16(), torch.from_numpy(FLOATS).bfloat16().float().numpy()),
        (torch.from_numpy(GREY.astype(np.uint16)), GREY.astype(np.uint16)),
    ],
    ids=["list", "list of arrays", "pandas", "SciPy", "gradient", "half", "bfloat16", "uint16"],
)
def test_everything_else_becomes_numpy(given, expected):
    found = as_array(given)

    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, expected)


def with_transparency(mode):
    image = Image.fromarray(RGB).convert(mode)
    image.info["transparency"] = image.getpixel((2, 1))
    return image


def grey_alpha():
    return Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])


RGBA = np.dstack([RGB, np.full(GREY.shape, 255, np.uint8)])
BITS = (GREY > 127) * np.uint8(255)
CLEAR = np.where((RGB[1, 2] == RGB).all(-1), 0, 255)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY > 127), BITS),
        (Image.fromarray(GREY), GREY),
        (grey_alpha(), np.dstack([GREY, GREY, GREY, ALPHA])),
        (Image.fromarray(GREY).convert("P"), np.dstack([GREY] * 3)),
        (Image.fromarray(RGB), RGB),
        (Image.fromarray(RGBA), RGBA),
        (Image.fromarray(RGBA).convert("RGBa"), RGBA),
        (Image.fromarray(RGB).convert("RGBX"), RGB),
        (with_transparency("RGB"), np.dstack([RGB, CLEAR])),
        (Image.fromarray(GREY.astype(np.uint16) * 257), GREY.astype(np.uint16) * 257),
        (Image.fromarray(GREY).convert("I"), GREY.astype(np.int32)),
        (Image.fromarray(FLOATS), FLOATS),
    ],
    ids=["1", "L", "LA", "P", "RGB", "RGBA", "RGBa", "RGBX", "tRNS", "I;16", "I", "F"],
)
def test_a_pillow_image_of_every_mode_gives_its_pixels(image, expected):
    found = as_array(image)

    assert found.dtype == expected.dtype or image.mode == "RGB"
    np.testing.assert_array_equal(found, expected)


def test_a_palette_gives_its_colours_and_transparency():
    image = Image.fromarray(np.array([[0, 1], [1, 2]], np.uint8), mode="P")
    image.putpalette([9, 8, 7, 60, 50, 40, 200, 100, 0])

    opaque = as_array(image)
    image.info["transparency"] = 1
    clear = as_array(image)

    assert opaque.tolist() == [[[9, 8, 7], [60, 50, 40]], [[60, 50, 40], [200, 100, 0]]]
    assert clear[..., 3].tolist() == [[255, 0], [0, 255]]


def test_other_colour_spaces_become_rgb_where_that_is_exact_enough():
    # 8 bits in another colour space: rounding changes values by at most one level
    for mode in ("YCbCr", "HSV"):
        grey = Image.fromarray(np.dstack([GREY] * 3)).convert(mode)

        assert np.abs(as_array(grey).astype(int) - GREY[..., None]).max() <= 1


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_colours_that_need_a_profile_are_refused(mode):
    with pytest.raises(ValueError, match=rf"mode {mode} .* image\.convert\('RGB'\)"):
        as_array(Image.new(mode, (3, 4)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("cells.tif", r"the path 'cells\.tif': .*tifffile\.imread.*napari-sr upscale"),
        (pathlib.Path("cells.tif"), r"the path 'cells\.tif'"),
        ([[1, 2], [3]], r"got list, which cannot be converted: .*inhomogeneous"),
        (torch.empty(3, 3, device="meta"), r"torch\.float32 .* on meta\) cannot be converted"),
        (torch.eye(3).to_sparse(), r"sparse_coo, on cpu\) cannot be converted"),
    ],
    ids=["text", "path", "ragged", "meta", "sparse"],
)
def test_what_is_not_an_array_is_refused_with_its_type(given, words):
    with pytest.raises(ValueError, match=words):
        as_array(given)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), 3.0, np.float32(3)])
def test_whole_numbers_of_any_kind_are_accepted(value):
    found = whole_number("tile", value)

    assert (found, type(found)) == (3, int)
    assert whole_number("tile", None) is None


@pytest.mark.parametrize("value", [True, np.True_, 0, -4, 2.5, np.nan, np.inf, "3", (3,)])
def test_what_is_not_a_whole_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"tile must be a whole number of at least 1, got "):
        whole_number("tile", value)


@pytest.mark.parametrize("value", [0, 0.25, 1, np.float32(0.5), np.int64(1)])
def test_numbers_of_any_kind_are_numbers(value):
    assert is_number(value, 0, 1)


@pytest.mark.parametrize("value", [True, np.True_, -0.1, 1.1, np.nan, np.inf, "1", None, (1,), 1j])
def test_bools_text_and_numbers_out_of_bounds_are_none(value):
    assert not is_number(value, 0, 1)


@pytest.mark.parametrize("kind", ["uint8", ">u2", "<i2", ">i2", "float16", ">f4", "longdouble"])
def test_the_result_has_the_sources_type(kind):
    image = (GREY / (255 if "f" in kind or kind == "longdouble" else 1)).astype(kind)

    result = napari_sr.upscale(image, "bicubic-x2")

    assert (result.dtype, result.shape) == (np.dtype(kind), (12, 14))
    assert result.dtype.byteorder == image.dtype.byteorder


def test_a_mask_and_negative_strides_reach_the_result():
    large = napari_sr.upscale(MASKED[::-1, ::-1], "nearest-x2")

    np.testing.assert_array_equal(large, pixels_of(MASKED)[::-1, ::-1].repeat(2, 0).repeat(2, 1))


def plane(*rows):
    return np.array(rows, np.float32)[..., None]


def test_pixels_without_nan_are_returned_unchanged():
    pixels = plane([1, 2], [3, 4])

    filled, missing, *_ = fill_missing(pixels)

    assert filled is pixels
    assert missing is None


def test_integers_have_no_missing_pixels():
    assert fill_missing(np.zeros((2, 2, 1), np.uint8)).missing is None


def test_a_missing_pixel_takes_the_nearest_of_its_row_then_of_its_column():
    pixels = plane(
        [1, np.nan, np.nan, np.nan, 5],
        [np.nan, np.nan, np.nan, np.nan, np.nan],
        [9, 9, np.nan, 7, 7],
    )

    filled, missing, *_ = fill_missing(pixels)

    np.testing.assert_array_equal(filled[0, :, 0], [1, 1, 1, 5, 5])
    np.testing.assert_array_equal(filled[1], filled[0])
    assert filled[2, 2, 0] in (7, 9)
    np.testing.assert_array_equal(missing, np.isnan(pixels))


def test_each_channel_is_filled_from_its_own_values():
    pixels = np.array([[[1, 10], [np.nan, 20]]], np.float32)

    filled = fill_missing(pixels).pixels

    np.testing.assert_array_equal(filled, [[[1, 10], [1, 20]]])


def test_a_plane_without_any_value_is_filled_with_zeros():
    filled, missing, *_ = fill_missing(np.full((3, 4, 1), np.nan))

    assert not filled.any()
    assert missing.all()


def test_an_extension_makes_a_plane_larger_on_each_side():
    assert Extension(1, 2, 3, 4).of((10, 20)) == (13, 27)
    assert Extension.around(3).of((10, 20)) == (16, 26)
    assert Extension().of((10, 20)) == (10, 20)
