"""Values along a line, on one axis for layers of any pixel size."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_sr.widgets.compare.profile import MOST, line_in, profile_of, tracks_of, unit_symbol


@pytest.fixture
def ramps(viewer):
    """Return two layers of one ramp along x, of 1 and of 0.25 world units a pixel."""
    coarse = np.tile(np.arange(8, dtype=np.float32), (6, 1))
    fine = np.tile((np.arange(32, dtype=np.float32) - 1.5) / 4, (24, 1))
    move = -0.375
    return {
        "before": viewer.add_image(coarse),
        "after": viewer.add_image(fine, scale=(0.25, 0.25), translate=(move, move)),
    }


def measured(viewer, layers, *lines):
    shapes = viewer.add_shapes(ndim=viewer.dims.ndim)
    for line in lines:
        shapes.add_paths(np.array(line, float))
    return profile_of(*tracks_of(shapes, layers, viewer.dims))


def test_source_and_result_lie_on_one_axis(viewer, ramps):
    profile = measured(viewer, ramps, [[2, 1], [2, 6]])

    expected = 1 + profile.distances
    assert profile.distances[[0, -1]].tolist() == [0, 5]
    np.testing.assert_allclose(profile.values["before"], expected, atol=1e-5)
    np.testing.assert_allclose(profile.values["after"], expected, atol=1e-5)
    assert len(expected) == 41  # two for each pixel of the finer layer


def test_rotated_and_scaled_layers_are_met_where_they_are_shown(viewer, ramps):
    for layer in ramps.values():
        layer.affine = [[0, 3, 10], [3, 0, 20], [0, 0, 1]]  # mirrored, 3 units a pixel

    profile = measured(viewer, ramps, [[13, 26], [28, 26]])

    np.testing.assert_allclose(profile.values["before"], 1 + profile.distances / 3, atol=1e-5)
    np.testing.assert_allclose(profile.values["after"], 1 + profile.distances / 3, atol=1e-5)


def test_a_path_is_followed_around_its_corners(viewer, ramps):
    profile = measured(viewer, ramps, [[2, 1], [2, 5], [4, 5]])

    assert profile.distances[-1] == pytest.approx(6)
    np.testing.assert_allclose(
        profile.values["before"], np.minimum(1 + profile.distances, 5), atol=1e-5
    )


def test_outside_a_layer_there_are_no_values(viewer, ramps):
    values = measured(viewer, ramps, [[2, -4], [2, 12]]).values["before"]

    outside = np.isnan(values)
    assert outside[0]
    assert outside[-1]
    assert outside.mean() == pytest.approx(0.5, abs=0.05)


def test_a_layer_reaches_to_the_edges_of_its_pixels(viewer):
    layer = viewer.add_image(np.array([[3.0, 5.0]], np.float32))

    values = measured(viewer, {"before": layer}, [[0, -1], [0, 2]]).values["before"]

    # at -1, -0.5, 0, ... 2: pixels are centred on whole numbers
    expected = [np.nan, 3, 3, 4, 5, 5, np.nan]
    np.testing.assert_allclose(values, expected)


def test_the_plane_of_the_sliders_is_measured(viewer):
    stack = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 4, 5), np.float32)
    layer = viewer.add_image(stack)
    viewer.dims.set_point(0, 2)

    profile = measured(viewer, {"before": layer}, [[0, 1, 1], [0, 1, 3]])

    assert set(profile.values["before"]) == {2.0}


def test_a_long_line_has_a_limited_number_of_samples(viewer):
    layer = viewer.add_image(np.zeros((2, 9000), np.uint8))

    profile = measured(viewer, {"before": layer}, [[1, 0], [1, 8999]])

    assert len(profile.distances) == MOST


@pytest.mark.parametrize(("unit", "symbol"), [("um", "µm"), ("pixel", "px"), ("nm", "nm")])
def test_units_are_named(viewer, unit, symbol):
    layer = viewer.add_image(np.zeros((4, 5)), units=(unit, unit))

    assert unit_symbol(SimpleNamespace(units=None), {"before": layer}) == symbol
    assert unit_symbol(SimpleNamespace(units=layer.units), {}) == symbol
    other = viewer.add_image(np.zeros((4, 5)), units=("mm", "mm"))
    assert unit_symbol(SimpleNamespace(units=None), {"before": layer, "after": other}) == ""


def test_the_selected_line_is_taken_or_else_the_last(viewer):
    shapes = viewer.add_shapes()
    none = line_in(shapes)
    shapes.add_lines(np.array([[0, 0], [1, 1]]))
    shapes.add_lines(np.array([[2, 2], [3, 3]]))
    shapes.add_rectangles(np.array([[4, 4], [5, 5]]))
    shapes.selected_data = set()
    last = line_in(shapes)
    shapes.selected_data = {0}

    assert none is None
    assert last.tolist() == [[2, 2], [3, 3]]
    assert line_in(shapes).tolist() == [[0, 0], [1, 1]]
    assert tracks_of(viewer.add_shapes(), {}, viewer.dims) is None
