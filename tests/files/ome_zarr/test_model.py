"""Metadata of written images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.model import complete_channels, image_metadata

PLACES = {
    "T": Axis(2.0, 10.0, "second"),
    "Z": Axis(0.7, -3.0, "micrometer"),
    "Y": Axis(0.25, 5.0, "micrometer"),
    "X": Axis(0.5, -1.0, "micrometer"),
}


def described(**changes):
    options = {"places": PLACES, "channels": (), "name": "cells", "version": "0.5"}
    return image_metadata("TCZYX", 4, **{**options, **changes})


@pytest.mark.needs("zarr")
def test_the_centre_of_a_pixel_of_any_level_is_the_mean_centre_of_the_pixels_it_covers():
    multiscale = described()["ome"]["multiscales"][0]

    for number, dataset in enumerate(multiscale["datasets"]):
        scale, translation = (
            next(t[kind] for t in dataset["coordinateTransformations"] if t["type"] == kind)
            for kind in ("scale", "translation")
        )
        for axis, letter in ((3, "Y"), (4, "X")):
            for pixel in (0, 1, 5):
                covered = np.arange(pixel * 2**number, (pixel + 1) * 2**number)
                centres = PLACES[letter].origin + covered * PLACES[letter].size
                assert translation[axis] + pixel * scale[axis] == pytest.approx(centres.mean())
        assert scale[:3] == [2.0, 1.0, 0.7]
        assert translation[:3] == [10.0, 0.0, -3.0]


@pytest.mark.needs("zarr")
def test_axes_have_types_and_units():
    axes = described()["ome"]["multiscales"][0]["axes"]

    assert axes == [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        {"name": "z", "type": "space", "unit": "micrometer"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]


@pytest.mark.needs("zarr")
@pytest.mark.filterwarnings("error")
def test_a_unit_that_ome_zarr_does_not_list_is_kept_without_a_warning():
    places = {"X": Axis(1.0, 0.0, "pixel")}

    assert described(places=places)["ome"]["multiscales"][0]["axes"][4]["unit"] == "pixel"


@pytest.mark.needs("zarr")
def test_version_0_4_has_no_group_ome():
    attributes = described(version="0.4")

    assert "ome" not in attributes
    assert attributes["multiscales"][0]["version"] == "0.4"
    assert attributes["multiscales"][0]["name"] == "cells"


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("axis", [Axis(0.0), Axis(-2.0), Axis(float("nan")), Axis(1, float("inf"))])
def test_a_pixel_size_must_be_above_zero(axis):
    with pytest.raises(FileError, match=r"sizes above 0, but axis Z has size \S+ and origin \S+"):
        described(places={"Z": axis})


@pytest.mark.needs("zarr")
def test_a_wrong_channel_is_named():
    channels = [{"color": "pink", "window": {"min": 0, "max": 1, "start": 0, "end": 1}}]

    with pytest.raises(FileError, match=r"omero\.channels\.0\.color = 'pink'"):
        described(channels=channels)


@pytest.mark.needs("zarr")
def test_channels_get_what_ome_zarr_requires_and_keep_what_they_have():
    layout = layout_of((2, 4, 4), "uint16", "CYX")
    window = {"min": 0, "max": 4095, "start": 100, "end": 2000}
    given = [{"label": "DAPI", "color": "0000FF", "window": window}, {"label": "GFP"}]

    first, second = complete_channels(layout, given)

    assert first == given[0]
    assert second == {
        "label": "GFP",
        "color": "FFFFFF",
        "window": {"min": 0, "max": 65535, "start": 0, "end": 65535},
    }
    assert described(channels=[first, second])["ome"]["omero"]["channels"][0]["label"] == "DAPI"


def test_a_missing_channel_is_an_error():
    with pytest.raises(ValueError, match="2 channels need 2 descriptions, got 1"):
        complete_channels(layout_of((2, 4, 4), "uint16", "CYX"), [{"label": "DAPI"}])


def test_colours_are_channels_of_red_green_and_blue():
    channels = complete_channels(layout_of((4, 4, 4), "float32", "YXS"), ())

    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF", "FFFFFF"]
    assert channels[0]["window"] == {"min": 0, "max": 1, "start": 0, "end": 1}
