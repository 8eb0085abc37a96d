"""Sizes, channels and planes in OME metadata are returned under tifffile's names."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.image import Density
from napari_sr.files.ome import density_of, details_of, left_out, sizes_of

METADATA = {
    "axes": "ZCYX",
    "Name": "a cell",
    "PhysicalSizeX": 100.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeY": 200.0,
    "PhysicalSizeYUnit": "nm",
    "PhysicalSizeZ": 1.5,
    "TimeIncrement": 2.0,
    "Channel": {"Name": ["DAPI", "GFP", "RFP"], "Color": [1, 2, 3]},
    "Plane": {"PositionX": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]},
}
SHAPE = (2, 3, 4, 5)


@pytest.fixture
def xml(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros(SHAPE, np.uint16), metadata=METADATA)
    with tifffile.TiffFile(path) as file:
        return file.ome_metadata


def test_everything_that_tifffile_writes_is_kept(xml):
    details = details_of(xml, "ZCYX", SHAPE)

    assert {"axes": "ZCYX", **details} == METADATA


def test_planes_are_told_in_the_order_of_the_axes(xml):
    details = details_of(xml, "CZYX", (3, 2, 4, 5))

    assert details["Plane"]["PositionX"] == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]


def test_planes_of_another_number_are_left_out(xml):
    assert "Plane" not in details_of(xml, "ZCYX", (2, 1, 4, 5))


def test_a_word_that_only_some_channels_have_is_left_out(xml):
    details = details_of(xml.replace('Color="2"', ""), "ZCYX", SHAPE)

    assert list(details["Channel"]) == ["Name"]


@pytest.mark.parametrize("xml", ["", "no xml", "<OME/>"])
def test_metadata_that_cannot_be_read_is_none(xml):
    assert details_of(xml, "YX", (4, 5)) == {}


def test_sizes_become_a_density_and_come_back():
    density = density_of(METADATA)

    sizes = sizes_of(density)

    assert density == Density(0.01, 0.005, "nm")
    assert sizes["PhysicalSizeX"] == pytest.approx(0.1)
    assert sizes["PhysicalSizeY"] == pytest.approx(0.2)
    assert sizes["PhysicalSizeXUnit"] == "\xb5m"


@pytest.mark.parametrize("density", [None, Density(1, 1, "pixel"), Density(0, 0, "cm")])
def test_no_length_gives_no_sizes(density):
    assert sizes_of(density) == {}


def test_one_size_alone_gives_no_density():
    assert density_of({"PhysicalSizeX": 1.0}) is None


def test_channels_and_planes_that_were_not_read_have_no_words(xml):
    details = details_of(xml, "ZCYX", (2, 2, 4, 5), {"C": (0, 2)})

    assert details["Channel"]["Name"] == ["DAPI", "RFP"]
    assert details["Plane"]["PositionX"] == [0.0, 2.0, 3.0, 5.0]


def test_what_is_not_written_again_is_told(xml):
    assert left_out(xml) == []

    instrument = "<Instrument ID='Instrument:0'><Objective ID='Objective:0:0'/></Instrument>"
    settings = "<ObjectiveSettings ID='Objective:0:0' RefractiveIndex='1.5'/><Pixels "
    richer = xml.replace("<Image ", f"{instrument}<Image ", 1).replace("<Pixels ", settings, 1)
    assert left_out(richer) == ["its OME metadata Instrument, ObjectiveSettings are left out"]


@pytest.mark.parametrize("xml", ["", "no xml", "<OME/>"])
def test_metadata_that_cannot_be_read_leave_nothing_out(xml):
    assert left_out(xml) == []
