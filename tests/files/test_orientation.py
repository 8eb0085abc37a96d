"""Pixels of all eight orientations are shown as Pillow shows them, densities with them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from napari_sr.files.image import Density
from napari_sr.files.orientation import TAG, UPRIGHT, swaps_sides, upright, upright_density

# where the letters of a page are stored: by the table of the TIFF specification
STORED = {
    1: ["ab", "cd", "ef"],
    2: ["ba", "dc", "fe"],
    3: ["fe", "dc", "ba"],
    4: ["ef", "cd", "ab"],
    5: ["ace", "bdf"],
    6: ["bdf", "ace"],
    7: ["fdb", "eca"],
    8: ["eca", "fdb"],
}


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_is_turned_upright(orientation):
    stored = np.array([list(row) for row in STORED[orientation]])

    shown = upright(stored, orientation)

    assert ["".join(row) for row in shown] == STORED[UPRIGHT]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pillow_shows_the_same(random, orientation):
    pixels = random.integers(0, 255, (5, 7, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.getexif()[TAG] = orientation

    expected = np.asarray(ImageOps.exif_transpose(image))

    np.testing.assert_array_equal(upright(pixels, orientation), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stacks_are_turned_along_the_axes_that_are_named(random, orientation):
    stack = random.integers(0, 255, (2, 3, 5, 7))

    shown = upright(stack, orientation, rows=2, columns=3)

    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(shown[index], upright(stack[index], orientation))


@pytest.mark.parametrize("orientation", [0, 9, None, "6"])
def test_an_undefined_value_turns_nothing(orientation):
    pixels = np.arange(6).reshape(2, 3)

    np.testing.assert_array_equal(upright(pixels, orientation), pixels)
    assert not swaps_sides(orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_x_and_y_change_places_where_rows_become_columns(orientation):
    density = upright_density(Density(300, 150, "inch"), orientation)

    swapped = orientation >= 5
    assert density == (Density(150, 300, "inch") if swapped else Density(300, 150, "inch"))
    assert swaps_sides(orientation) is swapped
    assert upright_density(None, orientation) is None
