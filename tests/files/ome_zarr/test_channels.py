from __future__ import annotations

import pytest
from zarrs import group_2

from napari_sr.files.ome_zarr.channels import channels_of, is_colour
from napari_sr.files.ome_zarr.documents import read_node


def coloured(labels, colours=("FF0000", "00FF00", "0000FF", "FFFFFF")):
    return tuple(
        {"label": label, "color": color} for label, color in zip(labels, colours, strict=False)
    )


@pytest.mark.parametrize(
    "labels", [("red", "green", "blue"), ("R", "G", "B"), ("Red", "Green", "Blue", "Alpha")]
)
def test_channels_that_are_called_and_shown_red_green_and_blue_are_colours(labels):
    assert is_colour(coloured(labels))


@pytest.mark.parametrize(
    "channels",
    [
        (),
        coloured(("DAPI", "GFP", "RFP")),
        coloured(("", "", "")),
        coloured(("red", "green")),
        coloured(("red", "green", "blue", "infrared")),
        coloured(("red", "green", "blue"), ("0000FF", "00FF00", "FF0000")),
        ({"label": "red"}, {"label": "green"}, {"label": "blue"}),
    ],
)
def test_other_channels_are_not(channels):
    assert not is_colour(channels)


def test_channels_are_those_of_omero(tmp_path):
    channels = [{"label": "DAPI", "active": True}]

    node = read_node(group_2(tmp_path, omero={"channels": channels}))

    assert channels_of(node) == tuple(channels)


@pytest.mark.parametrize("omero", [None, 3, {}, {"channels": None}, {"channels": ["red"]}])
def test_damaged_channels_are_none(tmp_path, omero):
    assert channels_of(read_node(group_2(tmp_path, omero=omero))) == ()
