"""What a result takes over of how its source looks: every attribute of a layer is decided."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from napari.layers import Image
from napari.utils import Colormap

from napari_sr.widgets.common.appearance import CARRIED, appearance, enlarged_plane, set_afterwards
from napari_sr.widgets.common.layer_source import source_of

PLACED = {"affine", "axis_labels", "rotate", "scale", "shear", "translate", "units"}
"""Where the result lies: `_result` and its tests."""
SCALED = {"experimental_clipping_planes", "plane"}
OTHER_PIXELS = {
    "corner_pixels", "data", "data_level", "data_raw", "downsample_factors", "dtype", "histogram",
    "level_shapes", "loaded", "locked_data_level", "multiscale", "ndim", "rgb", "thumbnail",
}  # fmt: skip
"""Follow from the result's own pixels, which have one level."""
ITS_OWN = {"metadata", "name", "source", "unique_id", "visible"}
"""Say what the result is, and how it came about; the result of a hidden layer is shown."""
DRAWN_ONCE = {"bounding_box", "colorbar", "name_overlay"}
"""Decorations at the same place as the source's: two of them would cover each other."""
HANDLING = {
    "cursor", "cursor_size", "editable", "help", "keymap", "locked", "mode", "mouse_pan",
    "mouse_zoom", "mouse_move_callbacks", "mouse_drag_callbacks", "mouse_double_click_callbacks",
    "mouse_wheel_callbacks", "dask_optimized_slicing", "events",
}  # fmt: skip
"""How the user handles the layer, not how it looks."""
SAME_FOR_ALL = {"colormaps", "scale_factor"}


def attributes(layer):
    """Return the names of a layer's public attributes, methods left out."""
    kind = type(layer)
    static = {name: inspect.getattr_static(kind, name) for name in dir(kind)}
    properties = {name for name, value in static.items() if isinstance(value, property)}
    return {name for name in properties | set(vars(layer)) if not name.startswith("_")}


def odd(rgb):
    """Return a layer that has no usual look, but for what its colours rule out."""
    layer = Image(
        np.arange(2 * 6 * 8 * (3 if rgb else 1), dtype=np.float32).reshape(
            (2, 6, 8, 3) if rgb else (2, 6, 8)
        ),
        rgb=rgb,
        attenuation=0.3,
        blending="minimum",
        colormap=Colormap([[0, 0, 0], [1, 0.5, 0]], name="mine"),
        contrast_limits=(3, 77),
        custom_interpolation_kernel_2d=np.ones((3, 3), np.float32) / 9,
        depiction="plane",
        gamma=0.7,
        interpolation2d="custom",
        interpolation3d="cubic",
        iso_threshold=12.5,
        opacity=0.6,
        projection_mode="max",
        rendering="attenuated_mip",
        visible=False,
    )
    layer.contrast_limits_range = (-10, 1000)
    return layer


def result_of(layer, factor=2):
    arguments = appearance(layer, source_of(layer), factor)
    pixels = np.zeros(tuple(n * f for n, f in zip(layer.data.shape[:3], (1, 2, 2), strict=True)))
    pixels = np.stack([pixels] * 3, -1) if layer.rgb else pixels
    result = Image(pixels, rgb=layer.rgb, **arguments)
    for name, value in set_afterwards(layer).items():
        setattr(result, name, value)
    return result


def test_every_attribute_of_a_layer_is_decided():
    layer = Image(np.zeros((2, 3)))
    decided = PLACED | SCALED | OTHER_PIXELS | ITS_OWN | DRAWN_ONCE | HANDLING | SAME_FOR_ALL

    assert attributes(layer) - decided - set(CARRIED) == {"contrast_limits_range"}
    assert not decided & set(CARRIED)


@pytest.mark.parametrize("rgb", [False, True], ids=["grey", "RGB"])
def test_the_result_takes_over_what_is_carried(rgb):
    layer = odd(rgb)

    result = result_of(layer)

    for name in (*CARRIED, "contrast_limits_range"):
        if hasattr(layer, name):
            ours, theirs = getattr(result, name), getattr(layer, name)
            assert np.all(ours == theirs), (name, ours, theirs)


def test_following_the_contrast_of_every_slice_is_taken_over():
    layer = Image(np.arange(12.0).reshape(3, 4), contrast_limits=(2, 5))
    layer.auto_contrast = True

    assert result_of_2d(layer).auto_contrast is True


def result_of_2d(layer):
    result = Image(np.ones((6, 8)), **appearance(layer, source_of(layer), 2))
    for name, value in set_afterwards(layer).items():
        setattr(result, name, value)
    return result


def test_a_plane_through_a_pixels_centre_goes_through_its_enlarged_centre():
    # pixel 10 becomes the pixels 20 and 21; Z is not enlarged
    found = enlarged_plane((2, 10, 10), (1, 0, 0), (1, 2, 2), (0, 0, 0))

    assert found == {"position": (2, 20.5, 20.5), "normal": (1, 0, 0)}


def test_a_tilted_plane_holds_the_same_points_of_the_sample():
    normal = np.array((2, -1, 3)) / np.sqrt(14)
    position, factors = np.array((1.0, 4, 5)), np.array((1, 3, 3))
    inside = position + np.cross(normal, (1, 0, 0)) * 2.5

    found = enlarged_plane(position, normal, factors, (0, 0, 0))

    enlarged = (inside + 0.5) * factors - 0.5
    np.testing.assert_allclose(np.dot(enlarged - found["position"], found["normal"]), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found["normal"]), 1)


def test_planes_of_one_slice_are_counted_from_it():
    layer = Image(np.zeros((5, 6, 8)), plane={"position": (3, 1, 1), "normal": (1, 0, 0)})

    found = appearance(layer, source_of(layer, (3,)), 2)

    assert found["plane"]["position"] == (0, 2.5, 2.5)


def test_a_slab_is_as_thick_in_the_sample_as_it_was():
    across = {"position": (0, 0, 0), "normal": (0, 1, 0), "thickness": 2}
    layer = Image(np.zeros((5, 6, 8)), plane=across)
    along = Image(np.zeros((5, 6, 8)), plane={**across, "normal": (1, 0, 0)})

    assert appearance(layer, source_of(layer), 4)["plane"]["thickness"] == 8
    assert appearance(along, source_of(along), 4)["plane"]["thickness"] == 2


def test_clipping_planes_stay_where_they_are_drawn_in_the_world():
    off = {"position": (1, 2, 3), "normal": (0, 0, 1), "enabled": False}
    on = {"position": (4, 5, 6), "normal": (0, 1, 0), "enabled": True}
    layer = Image(np.zeros((5, 6, 8)), experimental_clipping_planes=[off, on])

    result = Image(np.zeros((5, 12, 16)), **appearance(layer, source_of(layer), 2))

    planes = result.experimental_clipping_planes
    assert [plane.position for plane in planes] == [(1, 2, 3), (4, 5, 6)]
    assert [plane.enabled for plane in planes] == [False, True]


def test_a_transposed_view_defines_planes_along_its_own_axes():
    layer = Image(np.zeros((5, 6, 8)), plane={"position": (2, 3, 4), "normal": (1, 0, 0)})

    # the first coordinate is along X, the last one along Z
    found = appearance(layer, source_of(layer), 2, order=(2, 1, 0))

    assert found["plane"]["position"] == (4.5, 6.5, 4)


def test_a_flat_layer_has_planes_along_a_third_axis():
    layer = Image(np.zeros((6, 8)), plane={"position": (0, 3, 4), "normal": (0, 1, 0)})

    found = appearance(layer, source_of(layer), 2, order=(0, 1, 2))

    assert found["plane"]["position"] == (0, 6.5, 8.5)
