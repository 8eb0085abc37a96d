"""What lies beyond black and white among images to learn from is counted, and told."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.training.data import out_of_range as module
from napari_sr.training.data.out_of_range import beyond
from napari_sr.training.data.pictures import of_array


def test_values_beyond_are_counted_over_all_planes_with_their_range():
    stack = np.zeros((2, 3, 4), np.uint16) + 500
    stack[0, 1, 1], stack[1, 2, 3] = 7, 900

    words = beyond("cells", of_array(stack, axes="ZYX", value_range=(100, 600)))

    assert words == (
        "8.33% of the values of cells are beyond black and white (100 to 600): all values range "
        "from 7 to 900, and are used unclipped"
    )


@pytest.mark.parametrize(
    ("image", "declared"),
    [
        (np.array([[0, 255]], np.uint8), None),
        (np.array([[100, 600]], np.uint16), (100, 600)),
        (np.array([[0.0, 1.0]]), None),
    ],
)
def test_nothing_is_told_where_nothing_lies_beyond(image, declared):
    assert beyond("cells", of_array(image, value_range=declared)) == ""


def test_alpha_does_not_count():
    rgba = np.full((3, 4, 4), 255, np.uint8)
    rgba[..., :3] = 9

    assert beyond("dots", of_array(rgba, value_range=(0, 10))) == ""


def test_ranges_that_differ_are_not_named(random):
    pictures = [
        one
        for image in random.random((2, 30, 40))
        for one in of_array(image, value_range=Percentiles(5, 95))
    ]

    words = beyond("both", pictures)

    assert words.startswith("10.0")
    assert "beyond black and white: all values range" in words


def test_of_a_very_large_plane_some_bands_are_read(monkeypatch):
    monkeypatch.setattr(module, "BAND", 2)
    monkeypatch.setattr(module, "LOOKED_AT", 40)
    image = np.zeros((10, 10))
    image[6:] = 3

    words = beyond("plane", of_array(image))

    assert words.startswith("50.00% of the values of plane")  # of rows 0, 1, 6 and 7
