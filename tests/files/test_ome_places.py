"""OME metadata say sizes, units, channels and names of what is written."""

from __future__ import annotations

import pytest

from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.ome_places import UNKNOWN_UNIT, ome_metadata


def told(places, looped="", axes="YX", **changes):
    return ome_metadata(LazyImage(None, axes, {}, **changes), places, looped)


@pytest.mark.parametrize(
    ("axis", "size", "unit"),
    [
        (Axis(0.5, unit="micrometer"), 0.5, "\xb5m"),
        (Axis(-2.0, unit="nanometer"), 2.0, "nm"),
        (Axis(1.0, unit="inch"), pytest.approx(25400.0), "\xb5m"),
        (Axis(3.0), 3.0, UNKNOWN_UNIT),
    ],
)
def test_a_size_has_its_unit(axis, size, unit):
    assert told({"Z": axis}) == {"PhysicalSizeZ": size, "PhysicalSizeZUnit": unit}


def test_one_of_no_unit_is_no_size():
    assert told({"Z": Axis(), "X": Axis(1.0, 5.0)}) == {}


def test_time_is_in_seconds_and_untold_without_a_unit():
    times = {"TimeIncrement": 120.0, "TimeIncrementUnit": "s"}

    assert told({"T": Axis(2.0, unit="minute")}) == times
    assert told({"T": Axis(2.0)}) == {}


def test_channels_have_their_names_and_colours():
    channels = ({"label": "a", "color": "FF0000"}, {"label": "b", "color": "0000FF"})

    found = told({}, "C", "CYX", channels=channels, details={"Channel": {"Fluor": ["x", "y"]}})

    assert found["Channel"] == {
        "Fluor": ["x", "y"], "Name": ["a", "b"], "Color": [-16776961, 65535],
    }  # fmt: skip
    assert "Channel" not in told({}, "", "YX", channels=channels)


def test_planes_are_told_in_their_order_only():
    details = {"Plane": {"DeltaT": [0.0, 1.0]}, "PhysicalSizeX": 9.0}

    assert told({}, "TZ", "TZYX", details=details) == {"Plane": {"DeltaT": [0.0, 1.0]}}
    assert told({}, "ZT", "TZYX", details=details) == {}


def test_names_bits_and_descriptions_are_kept():
    details = {"Description": "cells", "AcquisitionDate": "2020-01-01T00:00:00", "mode": "x"}

    found = told({}, name="a", significant_bits=12, details=details)

    assert found == {
        "Name": "a", "SignificantBits": 12, "Description": "cells",
        "AcquisitionDate": "2020-01-01T00:00:00",
    }  # fmt: skip
