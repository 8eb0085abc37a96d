"""Computed pixels are stored as the source file stores its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import ImageFile, Samples
from napari_sr.files.stored import as_stored


def test_grey_and_alpha_come_back_from_rgba_rounded():
    pixels = np.array([[[10, 11, 11, 200]]], np.uint8)

    assert as_stored(ImageFile(pixels, "YXS", grey_alpha=True)).tolist() == [[[11, 200]]]


@pytest.mark.parametrize(
    ("dtype", "shown", "stored"),
    [(np.uint8, [0, 200], [255, 55]), (np.int8, [0, 127], [-1, -128]), ("f4", [0, 1.5], [1, -0.5])],
)
def test_white_is_zero_where_it_was(dtype, shown, stored):
    image = ImageFile(np.array([shown], dtype), "YX", white_is_zero=True)

    assert as_stored(image).tolist() == [stored]
    assert image.as_shown().tolist() == [shown]


def test_white_of_12_bits_is_zero_where_it_was():
    image = ImageFile(np.array([[0, 4095]], "u2"), "YX", white_is_zero=True, significant_bits=12)

    assert as_stored(image).tolist() == [[4095, 0]]


def test_only_grey_is_turned_over_and_neither_alpha_nor_bands():
    pixels = np.array([[[0, 0, 0, 200]]], np.uint8)
    image = ImageFile(pixels, "YXS", grey_alpha=True, white_is_zero=True)
    assert as_stored(image).tolist() == [[[255, 200]]]

    samples = Samples("C", "minisblack", (0,), planar=False)
    bands = np.array([[[0]], [[200]]], np.uint8)
    image = ImageFile(bands, "CYX", samples=samples, white_is_zero=True)
    assert as_stored(image).tolist() == [[[255]], [[200]]]


def test_colours_are_multiplied_by_associated_alpha():
    pixels = np.array([[[255, 100, 0, 51]]], np.uint8)

    assert as_stored(ImageFile(pixels, "YXS", alpha="assocalpha")).tolist() == [[[51, 20, 0, 51]]]
    assert as_stored(ImageFile(pixels, "YXS")).tolist() == pixels.tolist()


def test_associated_alpha_of_grey_with_white_at_zero():
    pixels = np.array([[[55, 55, 55, 51]]], np.uint8)
    image = ImageFile(pixels, "YXS", grey_alpha=True, white_is_zero=True, alpha="assocalpha")

    # grey 55 is stored as 200 of 255, of which a fifth is left
    assert as_stored(image).tolist() == [[[40, 51]]]


def test_nan_is_the_value_of_no_data():
    pixels = np.array([[np.nan, 2.0]], np.float32)

    assert as_stored(ImageFile(pixels, "YX", nodata=-9999.0)).tolist() == [[-9999, 2]]
