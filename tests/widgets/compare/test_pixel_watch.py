"""Changes of pixels are told, also in place; other views of the same pixels are not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.compare.pixel_watch import PixelWatch


@pytest.fixture
def layer(viewer, random):
    return viewer.add_image(random.random((3, 20, 30)), contrast_limits=(0, 1))


@pytest.fixture
def told(viewer, layer):
    """Return a list that grows with every change that is told of."""
    found = []
    watch = PixelWatch(viewer.dims)
    watch.follow([layer, layer])
    watch.changed.connect(lambda: found.append(1))
    found.clear()
    yield found
    watch.follow([])


def test_pixels_that_are_changed_in_place_are_told(layer, told):
    layer.data[0, 3, 4] = 7
    layer.refresh()

    assert told == [1]


def test_new_pixels_and_new_limits_are_told(layer, told):
    layer.data = np.zeros((3, 20, 30))
    assert told
    told.clear()

    layer.contrast_limits = (0, 0.5)

    assert told == [1]


def test_another_plane_is_no_change(viewer, layer, told):
    viewer.dims.set_point(0, 2)

    assert told == []
    layer.refresh()
    assert told == [1]


def test_a_multiscale_layer_is_drawn_in_parts_without_a_change(viewer, random):
    pixels = random.random((64, 64))
    layer = viewer.add_image([pixels, pixels[::2, ::2]], multiscale=True)
    found = []
    watch = PixelWatch(viewer.dims)
    watch.follow([layer])
    watch.changed.connect(lambda: found.append(1))

    layer.corner_pixels = np.array([[0, 0], [10, 10]])
    layer.events.set_data()
    parts = list(found)
    layer.events.set_data()

    assert (parts, found) == ([], [1])
    watch.follow([])


def test_a_layer_that_is_not_followed_any_more_is_not_told_of(viewer, layer, random):
    other, found = viewer.add_image(random.random((5, 5))), []
    watch = PixelWatch(viewer.dims)
    watch.follow([layer])
    watch.follow([other])
    watch.changed.connect(lambda: found.append(1))

    layer.refresh()
    assert found == []
    other.refresh()

    assert found == [1]
    watch.follow([])
