"""What is measured of layers: rectangles and pixels lie where the viewer shows them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.functions.measure_layers import MeasureError, measure_layers, task_of


@pytest.fixture
def pair(viewer, random):
    """Return a stack with physical pixels, and its exact enlargement by 2, in its place."""
    data = random.random((3, 8, 10)).astype(np.float32)
    source = viewer.add_image(data, name="source", scale=(1, 0.5, 0.5), translate=(0, 4, -2))
    larger = np.repeat(np.repeat(data, 2, 1), 2, 2)
    result = viewer.add_image(
        larger, name="result", scale=(1, 0.25, 0.25), translate=(0, 4 - 0.125, -2 - 0.125)
    )
    viewer.dims.set_point(0, 2)
    return result, source


def rectangle(viewer, top, bottom, left, right, **options):
    """Draw a rectangle in the pixels of the source; pixel 0 extends from -0.5 to 0.5."""
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return viewer.add_shapes(
        [np.array([(0.5 * y + 4, 0.5 * x - 2) for y, x in corners])], name="drawn", **options
    )


def rows(found):
    return {(row.region, row.name): (row.result, row.reference) for row in found.rows}


def test_the_shown_plane_is_measured(viewer, pair):
    result, source = pair

    task = task_of(result, source, None, viewer.dims)
    found = rows(task.measure())

    assert found["whole plane", "sum"] == pytest.approx((source.data[2].sum(),) * 2)
    assert task.columns == {"layer": "result 2", "reference layer": "source 2"}


def test_a_rectangle_has_the_same_edges_in_both(viewer, pair):
    result, source = pair
    shapes = rectangle(viewer, 1.5, 5.5, 2.5, 6.0)
    viewer.dims.set_point(0, 2)

    found = rows(task_of(result, source, shapes, viewer.dims).measure())

    plane = source.data[2, 2:6]
    expected = plane[:, 3:6].sum() + plane[:, 6].sum() / 2
    assert found["rectangle 1", "sum"] == pytest.approx((expected, expected), rel=1e-5)


def test_selected_rectangles_are_measured_or_else_all(viewer, pair):
    shapes = rectangle(viewer, 1.5, 5.5, 2.5, 6.0)
    shapes.add_rectangles([np.array([(4, -2), (4, -1), (5, -1), (5, -2)])])

    shapes.selected_data = set()
    both = task_of(*pair, shapes, viewer.dims).rectangles
    shapes.selected_data = {1}
    one = task_of(*pair, shapes, viewer.dims).rectangles

    assert list(both) == ["rectangle 1", "rectangle 2"]
    assert list(one) == ["rectangle 2"]


@pytest.mark.parametrize(
    ("kind", "rotate", "what"),
    [
        ("ellipse", 0, "shape 1 in drawn is not a rectangle along the rows of source"),
        ("rectangle", 20, "shape 1 in drawn is not a rectangle"),
    ],
)
def test_other_shapes_are_refused(viewer, pair, kind, rotate, what):
    shapes = rectangle(viewer, 1, 5, 2, 6, shape_type=kind, rotate=rotate)

    with pytest.raises(MeasureError, match=what):
        task_of(*pair, shapes, viewer.dims)


def test_an_empty_layer_of_shapes_is_told(viewer, pair):
    with pytest.raises(MeasureError, match="drawn is empty: draw a rectangle"):
        task_of(*pair, viewer.add_shapes(name="drawn"), viewer.dims)


def test_layers_that_are_turned_against_each_other_are_refused(viewer, pair):
    result, source = pair
    result.rotate = np.eye(3)[[0, 2, 1]]

    with pytest.raises(MeasureError, match="result is rotated relative to source"):
        task_of(result, source, None, viewer.dims)


def test_a_script_needs_a_viewer(pair, monkeypatch):
    monkeypatch.setattr("napari.current_viewer", lambda: None)

    with pytest.raises(MeasureError, match="needs a viewer"):
        measure_layers(*pair)
