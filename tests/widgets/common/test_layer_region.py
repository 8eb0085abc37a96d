import numpy as np
import pytest
from forms import camera_of, grid_of, resize_canvas
from napari.layers import Shapes

from napari_sr.widgets.common.layer_region import (
    RegionError,
    events_of_view,
    shapes_region,
    visible_region,
)


@pytest.fixture
def look(viewer):
    """Return a function that centres the canvas of 100 x 200 screen pixels on a world position."""
    resize_canvas(viewer, 100, 200)

    def at(y, x, zoom):
        camera = camera_of(viewer)
        camera.center, camera.zoom = (0, y, x), zoom

    return at


@pytest.fixture
def layer(viewer):
    return viewer.add_image(np.zeros((400, 600)), name="cells")


def test_the_visible_pixels_are_those_that_the_canvas_touches(viewer, layer, look):
    look(100, 200, 2)  # 50 x 100 pixels: rows 75 to 125, columns 150 to 250

    assert visible_region(layer, viewer).spans == ((75, 126), (150, 251))

    look(99.5, 199.5, 2)  # edges of the canvas at edges of pixels

    assert visible_region(layer, viewer).spans == ((75, 125), (150, 250))


def test_at_the_border_the_region_ends_with_the_layer(viewer, layer, look):
    look(0, 590, 1)

    assert visible_region(layer, viewer).spans == ((0, 51), (490, 600))


@pytest.mark.parametrize(("y", "x"), [(-200, 10), (100, 900), (600, 10), (100, -201)])
def test_a_layer_outside_the_canvas_has_no_visible_region(viewer, layer, look, y, x):
    look(y, x, 1)

    with pytest.raises(RegionError, match="does not show cells"):
        visible_region(layer, viewer)


def test_scale_translate_and_units_count(viewer, look):
    layer = viewer.add_image(
        np.zeros((3, 400, 600)), scale=(1, 0.5, 0.5), translate=(0, 10, 20), units=("um",) * 3
    )
    look(60, 120, 2)

    rows, columns = visible_region(layer, viewer).spans

    assert rows == (50, 151)
    assert columns == (100, 301)


def test_a_rotated_layer_gets_the_rectangle_around_what_is_seen(viewer, look):
    layer = viewer.add_image(np.zeros((400, 600)), rotate=90)
    look(*layer.extent.world.mean(axis=0), 2)

    (top, bottom), (left, right) = visible_region(layer, viewer).spans

    assert 100 <= bottom - top <= 101
    assert 50 <= right - left <= 51


@pytest.mark.parametrize("levels", [2, 3])
def test_a_multiscale_layer_counts_in_its_finest_pixels(viewer, look, levels):
    data = [np.zeros((400 >> k, 600 >> k)) for k in range(levels)]
    layer = viewer.add_image(data, multiscale=True)
    look(100, 200, 2)

    assert visible_region(layer, viewer).spans == ((75, 126), (150, 251))


def test_other_axes_and_3d_are_refused_with_what_helps(viewer, look):
    layer = viewer.add_image(np.zeros((30, 40, 50)), name="stack")
    viewer.dims.order = (1, 0, 2)

    with pytest.raises(RegionError, match="does not show the axes Y and X of stack"):
        visible_region(layer, viewer)

    viewer.dims.order = (0, 1, 2)
    viewer.dims.ndisplay = 3

    with pytest.raises(RegionError, match="2D"):
        visible_region(layer, viewer)


def test_exchanged_axes_on_the_canvas_are_the_same_axes(viewer, layer, look):
    viewer.dims.order = (1, 0)
    look(200, 100, 2)  # the canvas shows X downward

    assert visible_region(layer, viewer).spans == ((50, 151), (175, 226))


def drawn(corners, **options):
    return Shapes([np.asarray(corners, float)], shape_type="rectangle", name="box", **options)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("camera", "zoom", 3),
        ("camera", "center", (0, 7, 8)),
        ("grid", "enabled", True),
        ("grid", "shape", (3, 4)),
        ("grid", "stride", 2),
        ("grid", "spacing", 0.5),
        ("dims", "order", (1, 0)),
    ],
)
def test_changes_of_the_view_are_told(viewer, layer, part, name, value):
    parts = {"camera": camera_of(viewer), "grid": grid_of(viewer), "dims": viewer.dims}
    told = []
    for event in events_of_view(viewer):
        event.connect(told.append)

    setattr(parts[part], name, value)

    assert told


def test_a_rectangle_covers_the_pixels_that_it_touches(layer):
    assert shapes_region(layer, drawn([(10, 20), (30.4, 50)])).spans == ((10, 31), (20, 51))


def test_the_selected_shape_counts_or_else_the_last(layer):
    shapes = drawn([(10, 20), (30, 50)])
    shapes.add(np.array([(100, 100), (120, 140)], float), shape_type="rectangle")
    shapes.selected_data = set()

    assert shapes_region(layer, shapes).spans == ((100, 121), (100, 141))

    shapes.selected_data = {0}

    assert shapes_region(layer, shapes).spans == ((10, 31), (20, 51))


def test_a_shape_lies_where_it_is_seen(viewer):
    layer = viewer.add_image(np.zeros((3, 400, 600)), scale=(1, 0.5, 0.5), translate=(0, 10, 20))
    shapes = drawn([(15, 25), (20, 45)])

    assert shapes_region(layer, shapes).spans == ((10, 21), (10, 51))


def test_units_of_shapes_are_converted(viewer):
    layer = viewer.add_image(np.zeros((400, 600)), scale=(0.5, 0.5), units=("um", "um"))
    shapes = drawn([(5000, 5000), (10000, 15000)], units=("nm", "nm"))

    assert shapes_region(layer, shapes).spans == ((10, 21), (10, 31))


def test_a_shape_beyond_the_layer_is_cut_or_refused(layer):
    assert shapes_region(layer, drawn([(-50, 590), (30, 900)])).spans == ((0, 31), (590, 600))

    with pytest.raises(RegionError, match="outside cells"):
        shapes_region(layer, drawn([(-50, 0), (-20, 50)]))
    with pytest.raises(RegionError, match="box is empty"):
        shapes_region(layer, Shapes(name="box"))
