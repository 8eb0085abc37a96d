"""A part of an image in a file, and its position."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.runs.record import RecordError
from napari_sr.streaming.part import as_spread, part_of, within_bits

PLACES = {"Z": Axis(2.0, 1.0), "Y": Axis(0.5), "X": Axis(0.5, 10.0)}


def image_of(pixels, **changes):
    return LazyImage(pixels, "ZYX", {}, PLACES, name="cells", **changes)


def test_a_part_begins_where_its_first_pixel_was():
    part = part_of(image_of(np.zeros((4, 20, 30), np.uint8)), (3,), ((4, 8), (6, 12)))

    result = part.enlarged(np.zeros((1, 8, 12), np.uint8), 2, "fsrcnn-x2", {"scale": 2})

    origins = {letter: place.origin for letter, place in result.places.items()}
    assert origins == {"Z": 7.0, "Y": 2 - 0.125, "X": 13 - 0.125}
    assert result.name == "cells [fsrcnn-x2]"
    assert result.record["plane"] == [3]
    assert result.record["region"] == [[4, 8], [6, 12]]


FACTS = {
    "Description": "actin",
    "Channel": {"EmissionWavelength": [461, 509]},
    "Plane": {"ExposureTime": [0.1, 0.2]},
    "PhysicalSizeX": 0.5,
}
NAMED = tuple(
    {"label": name, "color": "00FF00", "window": {"start": 7, "end": 90}}
    for name in ("DAPI", "GFP")
)


@pytest.mark.parametrize(
    ("plane", "region", "axial", "kept"),
    [
        (None, None, 1, {"Description", "Channel", "Plane"}),
        (None, None, 2, {"Description", "Channel"}),
        (None, ((4, 8), (6, 12)), 1, {"Description", "Channel"}),  # the positions of planes differ
        ((1,), None, 1, {"Description"}),
    ],
)
def test_the_result_keeps_the_facts_that_hold_for_it(plane, region, axial, kept):
    image = image_of(np.zeros((2, 20, 30), np.uint8), details=FACTS)

    result = part_of(image, plane, region).enlarged(image.pixels, 2, "made", {}, axial)

    assert set(result.details) == kept


def test_the_spread_keeps_all_facts_but_display_range_and_record():
    image = image_of(np.zeros((2, 20, 30), np.uint8), details=FACTS, channels=NAMED)
    result = part_of(image, None, None).enlarged(image.pixels, 2, "made", {"scale": 2})

    spread = as_spread(result, result.pixels)

    assert spread.channels == tuple({"label": n, "color": "00FF00"} for n in ("DAPI", "GFP"))
    assert (spread.details, spread.places) == (result.details, result.places)
    assert (spread.name, spread.record) == ("cells [made, spread of 8 views]", None)


@pytest.mark.parametrize("plane", [(4,), (-1,), (0, 0)])
def test_a_plane_that_is_not_there_is_named(plane):
    with pytest.raises(RecordError, match=r"of shape \(4, 20, 30\)"):
        part_of(image_of(np.zeros((4, 20, 30), np.uint8)), plane, None)


def test_values_beyond_the_bits_become_white():
    pixels = np.array([[[7, 4095, 5000]]], np.uint16)

    assert within_bits(pixels, image_of(pixels, significant_bits=12)).max() == 4095
    assert within_bits(pixels, image_of(pixels)) is pixels
    floats = pixels.astype("float32")  # of a network whose results have another unit
    assert within_bits(floats, image_of(pixels, significant_bits=12)) is floats
