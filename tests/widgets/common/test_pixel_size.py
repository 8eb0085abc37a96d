"""The size of a layer's pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.common.pixel_size import pixel_size, side_in_unit, square_pixel_size


@pytest.mark.parametrize(
    ("unit", "size"), [("um", 0.5), ("nm", 0.0005), ("mm", 500.0), ("pixel", None)]
)
def test_a_layers_pixel_is_known_where_its_unit_is_a_length(viewer, unit, size):
    layer = viewer.add_image(np.zeros((4, 5)), scale=(0.5, 0.5), units=(unit, unit))

    assert pixel_size(layer) == (None if size is None else pytest.approx(size))


@pytest.mark.parametrize(("per_unit", "unit"), [(72, "inch"), (3780, "m"), (28, "cm")])
def test_the_pixel_of_a_screen_is_no_size_of_the_specimen(viewer, per_unit, unit):
    size = 1 / per_unit
    layer = viewer.add_image(np.zeros((4, 5)), scale=(size, size), units=(unit, unit))

    assert square_pixel_size(layer) is None
    assert tuple(layer.scale) == (size, size)


def test_a_mirrored_layer_has_pixels_of_the_same_size(viewer):
    layer = viewer.add_image(np.zeros((4, 5)), scale=(0.5, -0.5), units=("um", "um"))

    assert pixel_size(layer) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scale", "units", "size"),
    [((0.2, 0.4), ("um", "um"), None), ((0.2, 200), ("um", "nm"), pytest.approx(0.2))],
)
def test_only_square_pixels_have_a_side(viewer, scale, units, size):
    layer = viewer.add_image(np.zeros((4, 5)), scale=scale, units=units)

    assert square_pixel_size(layer) == size


def test_a_side_in_the_layer_s_own_unit_needs_square_pixels(viewer):
    layer = viewer.add_image(np.zeros((4, 5)), scale=(-65, 65), units=("nm", "nm"), name="cells")
    plain = viewer.add_image(np.zeros((4, 5)))
    wide = viewer.add_image(np.zeros((4, 5)), scale=(0.2, 0.4), name="wide")

    assert side_in_unit(layer) == (65, "nm")
    assert side_in_unit(plain)[0] == 1
    assert side_in_unit(wide).startswith("The pixels of wide are not square (0.4 wide, 0.2 high)")
