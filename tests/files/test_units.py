"""Units of every format become OME-Zarr's, and an unknown one stays unknown."""

from __future__ import annotations

import pytest

from napari_sr.files.lazy_image import Axis
from napari_sr.files.units import LENGTHS, METRES, SECONDS, TIMES, micrometres, of_screen, unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("\xb5m", "micrometer"), ("\u03bcm", "micrometer"), ("\\u00b5m", "micrometer"),
        ("micron", "micrometer"), ("um", "micrometer"), ("Micrometers", "micrometer"),
        ("nm", "nanometer"), ("\xc5", "angstrom"), ("inch", "inch"), ("cm", "centimeter"),
        ("millimetre", "millimeter"), ("sec", "second"), ("s", "second"), ("ms", "millisecond"),
        ("micrometer", "micrometer"), ("second", "second"), (" mm ", "millimeter"),
    ],
)  # fmt: skip
def test_a_known_unit_has_one_name(name, unit):
    assert unit_of(name) == unit


@pytest.mark.parametrize("name", ["", "pixel", "reference frame", None, 3, "furlong"])
def test_another_unit_is_unknown(name):
    assert unit_of(name) == ""


def test_every_unit_has_a_size():
    assert set(LENGTHS.values()) <= set(METRES)
    assert set(TIMES.values()) <= set(SECONDS)


@pytest.mark.parametrize(
    ("places", "size"),
    [
        ({"Y": Axis(65, 0, "nanometer"), "X": Axis(-65, 0, "nanometer")}, 0.065),
        ({"Y": Axis(0.1, 0, "micrometer"), "X": Axis(0.0001, 0, "millimeter")}, 0.1),
        ({"Y": Axis(0.1, 0, "micrometer"), "X": Axis(0.2, 0, "micrometer")}, None),
        ({"Y": Axis(1, 0, ""), "X": Axis(1, 0, "")}, None),
        ({"Y": Axis(1, 0, "second"), "X": Axis(1, 0, "second")}, None),
        ({"X": Axis(0.1, 0, "micrometer")}, None),
        ({"Y": Axis(1 / 72, 0, "inch"), "X": Axis(1 / 72, 0, "inch")}, None),
        ({"Y": Axis(1 / 38, 0, "centimeter"), "X": Axis(1 / 38, 0, "centimeter")}, None),
        ({"Y": Axis(1 / 300, 0, "inch"), "X": Axis(1 / 300, 0, "inch")}, 84.667),
        ({}, None),
    ],
)
def test_the_side_of_square_pixels_is_known_in_micrometres(places, size):
    assert micrometres(places) == (None if size is None else pytest.approx(size, rel=1e-4))


@pytest.mark.parametrize(
    ("per_unit", "unit", "screen"),
    [
        (72, "inch", True), (96, "inch", True), (28, "centimeter", True), (2835, "meter", True),
        (3780, "meter", True), (300, "inch", False), (75, "inch", False), (1e6, "meter", False),
        (1 / 352.778, "micrometer", False), (0, "inch", False),
    ],
)  # fmt: skip
def test_only_a_density_of_72_or_96_per_inch_in_a_unit_of_printing_is_a_screens(
    per_unit, unit, screen
):
    assert of_screen(1 / per_unit if per_unit else 0.0, unit) is screen
