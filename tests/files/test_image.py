"""An `ImageFile` knows its density and colour, and how enlarging changes them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import Density, ImageFile

GREY = np.zeros((2, 3), np.uint8)


@pytest.mark.parametrize("unit", ["micron", "um", "\xb5m", "\u03bcm", "\\u00B5m"])
def test_every_spelling_of_a_micrometre_has_its_length(unit):
    assert Density(10, 5, unit).per("m") == pytest.approx((1e7, 5e6))


def test_inches_and_centimetres_convert():
    assert Density(254, 508, "inch").per("cm") == pytest.approx((100, 200))


@pytest.mark.parametrize("unit", ["", "pixel", "furlong"])
def test_an_unknown_unit_has_no_length(unit):
    assert Density(1, 1, unit).per("cm") is None


def test_an_enlarged_image_is_denser_and_its_pixels_smaller():
    details = {"PhysicalSizeX": 0.5, "PhysicalSizeZ": 2.0, "xorigin": 3.0, "ROI": b"?", "Name": "a"}
    image = ImageFile(GREY, "YX", density=Density(3, 5, "cm"), details=details, notes=("read",))

    larger = image.enlarged(np.zeros((8, 12), np.uint8), 4, "us")

    assert larger.density == Density(12, 20, "cm")
    assert larger.details == {
        "PhysicalSizeX": 0.125,
        "PhysicalSizeZ": 2.0,
        "xorigin": 12.0,
        "Name": "a",
    }
    assert larger.pixels.shape == (8, 12)
    assert (larger.software, larger.notes) == ("us", ())


@pytest.mark.parametrize(
    ("axes", "shape", "colour"),
    [("YXS", (2, 2, 3), True), ("YXC", (2, 2, 4), True), ("CYX", (3, 2, 2), False)],
)
def test_colour_is_a_last_axis_of_three_or_four(axes, shape, colour):
    assert ImageFile(np.zeros(shape, np.uint8), axes).colour is colour


def test_grey_and_alpha_are_shown_as_two_samples_rounded():
    pixels = np.array([[[10, 11, 11, 200]]], np.uint8)

    shown = ImageFile(pixels, "YXS", grey_alpha=True).as_shown()

    assert shown.tolist() == [[[11, 200]]]


@pytest.mark.parametrize(
    ("dtype", "bits", "shown"),
    [
        (np.uint8, None, (55, 245)),
        (np.uint16, 12, (3895, 4085)),
        (np.int16, None, (-201, -11)),
        (np.float32, None, (-199, -9)),
    ],
)
def test_a_declared_range_is_one_of_the_stored_values(dtype, bits, shown):
    pixels = np.zeros((2, 2), dtype)

    same = ImageFile(pixels, "YX", significant_bits=bits).shown_range((10, 200))
    turned = ImageFile(pixels, "YX", significant_bits=bits, white_is_zero=True)

    assert same == (10, 200)
    assert turned.shown_range((10, 200)) == shown


def test_white_is_what_the_bits_say():
    pixels = np.array([[0, 4095]], np.uint16)
    image = ImageFile(pixels, "YX", significant_bits=12)

    assert image.default_range() == (0, 4095)
    assert ImageFile(pixels, "YX").default_range() is None
    assert image.enlarged(np.array([[4000, 4100]], "u2"), 2, "us").pixels.tolist() == [[4000, 4095]]


def test_a_place_on_the_ground_is_enlarged_too():
    image = ImageFile(GREY, "YX", tags={33550: (12, 3, (4.0, 2.0, 0.0))})

    assert image.enlarged(GREY, 2, "us").tags == {33550: (12, 3, (2.0, 1.0, 0.0))}
