"""Pixel size, unit, origin and channels of a TIFF, as OME-Zarr names them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.files.image import Density
from napari_sr.files.lazy_image import Axis
from napari_sr.files.tiff_places import channels_of, places_of


def test_a_density_is_a_size_along_rows_and_columns():
    places = places_of("plain", {}, Density(300, 150, "inch"))

    assert places == {"Y": Axis(1 / 150, unit="inch"), "X": Axis(1 / 300, unit="inch")}
    assert places_of("plain", {}, None) == {}


def test_ome_sizes_have_their_units_and_micrometres_without():
    details = {
        "PhysicalSizeX": 0.5, "PhysicalSizeY": 250.0, "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 2, "PhysicalSizeZUnit": "\xb5m",
        "TimeIncrement": 3.0, "TimeIncrementUnit": "min",
    }  # fmt: skip

    assert places_of("ome", details, Density(2, 4, "cm")) == {
        "X": Axis(0.5, unit="micrometer"),
        "Y": Axis(250.0, unit="nanometer"),
        "Z": Axis(2.0, unit="micrometer"),
        "T": Axis(3.0, unit="minute"),
    }


@pytest.mark.parametrize("size", [0, -1.0, float("nan"), float("inf"), "1"])
def test_a_size_that_is_none_is_not_believed(size):
    assert places_of("ome", {"PhysicalSizeZ": size}, None) == {}


def test_imagejs_origin_is_in_pixels():
    details = {
        "unit": "micron", "spacing": 3.0, "finterval": 0.5,
        "xorigin": 10.0, "yorigin": -4.0, "zorigin": 1.0,
    }  # fmt: skip

    assert places_of("imagej", details, Density(2, 4, "micron")) == {
        "X": Axis(0.5, -5.0, "micrometer"),
        "Y": Axis(0.25, 1.0, "micrometer"),
        "Z": Axis(3.0, -3.0, "micrometer"),
        "T": Axis(0.5, unit="second"),
    }


def test_ome_channels_have_names_and_colours():
    details = {"Channel": {"Name": ["DAPI", "GFP"], "Color": [65535, -16776961]}}

    assert channels_of("ome", details, 2) == (
        {"label": "DAPI", "color": "0000FF"},
        {"label": "GFP", "color": "FF0000"},
    )
    assert channels_of("ome", {}, 2) == ()
    assert channels_of("plain", details, 2) == ()


def test_imagejs_channels_have_colours_and_ranges():
    green = np.zeros((3, 256), np.uint8)
    green[1] = np.arange(256)

    channels = channels_of("imagej", {"LUTs": [green], "Ranges": (3.0, 90.0, 0.0, 4.0)}, 2)

    assert channels == (
        {"color": "00FF00", "window": {"start": 3.0, "end": 90.0}},
        {"window": {"start": 0.0, "end": 4.0}},
    )
