"""The metadata of every kind of TIFF, under their own names."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.image import Density
from napari_sr.files.photometric import Shown
from napari_sr.files.tiff_details import (
    density_of_tags,
    kind_of,
    lost,
    shown_details,
    stored_details,
    whole_number,
)
from napari_sr.files.tiff_reader import opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


@pytest.mark.parametrize(
    ("options", "kind", "details"),
    [
        ({"metadata": {"dye": "GFP"}}, "plain", {"dye": "GFP"}),
        ({"imagej": True, "metadata": {"unit": "um"}}, "imagej", {"unit": "um"}),
        (
            {"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 2.0}},
            "ome",
            {"PhysicalSizeX": 2.0},
        ),
    ],
)
def test_every_kind_has_its_details(path, options, kind, details):
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), **options)

    with opened(path, []) as chosen:
        assert kind_of(chosen.file) == kind
        assert details.items() <= stored_details(chosen).items()


def test_a_density_has_the_unit_that_imagej_names(path):
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), resolution=(4, 2), resolutionunit=2)

    with opened(path, []) as chosen:
        page = chosen.series.keyframe
        assert density_of_tags(page, {}) == Density(4, 2, "inch")
        assert density_of_tags(page, {"unit": "um"}) == Density(4, 2, "um")


def test_details_of_turned_pixels_are_turned_and_wrong_bits_dropped():
    details = {"PhysicalSizeX": 1.0, "PhysicalSizeY": 2.0, "SignificantBits": 12}
    shown = Shown(np.zeros((5, 7), np.uint16), "YX", "MINISBLACK", significant_bits=12)

    assert shown_details(details, shown, 1) == details
    assert shown_details(details, shown, 6)["PhysicalSizeX"] == 2.0
    other = Shown(np.zeros((5, 7), np.uint16), "YX", "MINISBLACK")
    assert "SignificantBits" not in shown_details(details, other, 1)


def test_lost_metadata_are_told(path):
    tags = [(65000, "s", 0, "x", True)]
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), extratags=tags)

    with opened(path, []) as chosen:
        assert list(lost(chosen)) == ["its metadata tag 65000 are left out"]


def test_a_whole_number_is_an_int():
    assert (whole_number(3), whole_number("3"), whole_number(None)) == (3, None, None)
