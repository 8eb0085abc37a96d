"""Units of every format become OME-Zarr's, and an unknown one stays unknown."""

from __future__ import annotations

import pytest

from napari_sr.files.units import LENGTHS, METRES, SECONDS, TIMES, unit_of


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
