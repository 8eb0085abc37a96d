from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from forms import camera_of
from napari.components import ViewerModel
from napari.layers import Image

from napari_sr.engine.image.arrays import layout_of
from napari_sr.widgets.common.layer_source import (
    current_plane,
    drawn_part,
    layer_problem,
    leading_letters,
    looked_at,
    source_of,
    swapped,
    unit_ratios,
)


def test_a_result_smaller_than_its_source_is_asked_about():
    small, large = Image(np.zeros((3, 20, 30, 3)), rgb=True), Image(np.zeros((3, 40, 60)))

    assert "20 x 30 px, is smaller than its source, 40 x 60 px" in swapped(small, large)
    assert swapped(large, small) == swapped(small, small) == ""


@pytest.mark.parametrize(
    ("labels", "letters"),
    [
        ([], ""),
        (["-3"], "Z"),
        (["-4", "-3"], "TZ"),
        (["-6", "-5", "-4", "-3"], "ACTZ"),
        (["t", "c"], "TC"),
        (["t", "depth", "-3"], "TCZ"),
        (["y", "x"], "TZ"),
        (["s", "z"], "TZ"),
        (["z", "Z"], "TZ"),
        (["xyz"], "Z"),
    ],
)
def test_leading_axes_keep_their_letters_where_these_are_usable(labels, letters):
    assert leading_letters(labels) == letters


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (1, 2, 3)])
def test_the_engine_understands_the_axes(leading, rgb):
    shape = (*leading, 5, 6, 3) if rgb else (*leading, 5, 6)
    layer = Image(np.zeros(shape, np.uint8), rgb=rgb)

    source = source_of(layer)

    layout = layout_of(source.shape, source.dtype, source.axes)
    assert (layout.height, layout.width, layout.samples) == (5, 6, rgb)


def test_three_planes_that_are_no_colours_stay_planes():
    layer = Image(np.zeros((5, 6, 3), np.uint8), rgb=False)

    source = source_of(layer)

    assert source.axes == "ZYX"
    assert source.factors(4) == (1, 4, 4)


def test_the_finest_level_is_read():
    levels = [np.zeros((40, 48)), np.zeros((20, 24))]

    source = source_of(Image(levels, multiscale=True))

    assert source.shape == (40, 48)


def test_the_current_plane_is_where_the_sliders_are():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 9, 5, 6)), scale=(1, 0.5, 1, 1), translate=(0, 2, 0, 0))

    viewer.dims.set_point((0, 1), (3, 2 + 0.5 * 7))

    assert current_plane(layer, viewer.dims) == (3, 7)


def test_the_current_plane_of_a_layer_with_fewer_axes_is_found():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((4, 9, 5, 6)))
    layer = viewer.add_image(np.zeros((9, 5, 6)))

    viewer.dims.set_point((0, 1), (3, 7))

    assert current_plane(layer, viewer.dims) == (7,)


def test_the_current_plane_is_clipped_to_the_layer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((9, 5, 6)))
    layer = viewer.add_image(np.zeros((4, 5, 6)))

    viewer.dims.set_point(0, 8)

    assert current_plane(layer, viewer.dims) == (3,)


def test_the_current_plane_heeds_units():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((9, 5, 6)), scale=(100, 1, 1), units=("nm", "nm", "nm"))
    viewer.add_image(np.zeros((9, 5, 6)), scale=(0.1, 1, 1), units=("um", "um", "um"))

    viewer.dims.set_current_step(0, 6)

    assert current_plane(viewer.layers[1], viewer.dims) == (6,)
    assert current_plane(layer, viewer.dims) == (6,)


def test_a_mask_is_refused():
    layer = Image(np.zeros((4, 5), bool), name="mask")

    assert "The layer mask has the type bool" in layer_problem(layer)


def test_real_numbers_are_no_problem():
    assert layer_problem(Image(np.zeros((4, 5), np.int16))) is None


def layer_of(data, *, rgb=False):
    """Return what stands for a layer of pixels that napari itself may refuse."""
    return SimpleNamespace(name="odd", data=data, multiscale=False, rgb=rgb)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((4, 5), bool), "has the type bool: convert it to integers"),
        (np.zeros((4, 5), np.complex64), "has the type complex64: convert it to real numbers"),
        (np.zeros((4, 5), object), "has the type object: convert it to integers or floats"),
        (np.zeros((4, 5), "U3"), "has the type <U3: convert it to integers or floats"),
        (np.zeros((4, 5), "datetime64[s]"), "has the type datetime64[s]: convert it to integers"),
        (np.zeros((4, 5), np.longdouble), "convert it to float64"),
        (np.zeros((3, 0, 5)), "is empty: its shape is 3 \u00d7 0 \u00d7 5"),
        (np.zeros(5), "needs at least two axes, Y and X, but has the shape 5"),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_what_cannot_be_upscaled_is_told_without_reading_a_pixel(data, words):
    assert words in layer_problem(layer_of(data))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i2", "u4", "i8", "f2", ">f4", "f8"])
def test_integers_and_floats_of_any_byte_order_can_be_upscaled(dtype):
    assert layer_problem(layer_of(np.zeros((4, 5), dtype))) is None


def test_a_row_of_colours_is_no_image():
    assert "needs at least two axes" in layer_problem(layer_of(np.zeros((5, 3)), rgb=True))


def test_the_view_is_looked_at_in_the_layers_pixels():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 40, 60)), scale=(2, 0.5, 0.5), translate=(0, 1, 0))
    viewer.dims.set_point(0, 6.0)
    getattr(viewer, "scene", viewer).camera.center = (0, 11.0, 3.0)

    np.testing.assert_allclose(looked_at(layer, viewer), (3, 20, 6))


def test_a_transposed_view_is_looked_at_along_its_axes():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 40, 60)))
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_point(2, 33.0)
    getattr(viewer, "scene", viewer).camera.center = (0, 4.0, 7.0)

    np.testing.assert_allclose(looked_at(layer, viewer), (4, 7, 33))


def test_the_drawn_part_changes_with_slice_axes_and_place_and_with_nothing_else(viewer):
    layer = viewer.add_image(np.zeros((3, 20, 30)), name="cells")
    parts = [drawn_part(layer, viewer.dims)]

    layer.data[:] = 1
    layer.contrast_limits = (0, 7)
    camera_of(viewer).zoom = 3
    assert drawn_part(layer, viewer.dims) == parts[0]

    for change in (
        lambda: viewer.dims.set_point(0, 2),
        lambda: setattr(viewer.dims, "order", (1, 0, 2)),
        lambda: setattr(layer, "translate", (0, 1, 0)),
        lambda: setattr(layer, "rotate", (0, 0, 30)),
        lambda: setattr(layer, "affine", np.diag((1, 2, 1, 1))),
        lambda: setattr(layer, "units", "um"),
    ):
        change()
        parts.append(drawn_part(layer, viewer.dims))
    assert len(set(parts)) == len(parts)


def test_the_drawn_part_of_a_pyramid_changes_with_its_level(viewer):
    layer = viewer.add_image([np.zeros((40, 60)), np.zeros((20, 30))], multiscale=True)
    parts = [drawn_part(layer, viewer.dims)]

    layer.data_level = 0
    parts.append(drawn_part(layer, viewer.dims))
    layer.corner_pixels = np.array([(1, 2), (9, 9)])
    parts.append(drawn_part(layer, viewer.dims))

    assert len(set(parts)) == 3
    assert drawn_part(None, viewer.dims) == ()


def test_units_that_cannot_be_converted_are_ignored_as_napari_does():
    shown = Image(np.zeros((3, 20, 30)), units=("s", "um", "um"))
    layer = Image(np.zeros((3, 20, 30)), units=("s", "pixel", "nm"))

    ratios = unit_ratios(layer, SimpleNamespace(units=shown.units))

    np.testing.assert_allclose(ratios, (1, 1, 1000))
