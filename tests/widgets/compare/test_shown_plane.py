"""The shown plane as a record, and positions between world and pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.compare.shown_plane import grey_of, shown_plane, to_pixels, to_world


def test_the_plane_of_the_sliders_is_read_and_only_its_part(viewer, random):
    stack = random.integers(0, 4095, (3, 8, 9), np.uint16)
    layer = viewer.add_image(stack, contrast_limits=(100, 4000))
    viewer.dims.set_point(0, 2)

    plane = shown_plane(layer, viewer.dims)

    assert plane.size == (8, 9)
    assert plane.value_range == (100, 4000)
    np.testing.assert_array_equal(plane.read(slice(2, 4), slice(5, 9)), stack[2, 2:4, 5:9])


def test_colours_lose_their_alpha_and_have_the_range_of_bytes(viewer, random):
    colours = random.integers(0, 255, (8, 9, 4), np.uint8)

    plane = shown_plane(viewer.add_image([colours, colours[::2, ::2]], rgb=True), viewer.dims)

    assert (plane.size, plane.value_range) == ((8, 9), None)
    np.testing.assert_array_equal(plane.read(), colours[..., :3])


def test_luma_has_the_units_of_the_colours():
    colours = np.array([[[255, 255, 255], [255, 0, 0], [0, 0, 0]]], np.uint8)

    np.testing.assert_allclose(grey_of(colours), [[255, 255 * 0.299, 0]], atol=0.01)
    assert grey_of(colours[..., 0]).tolist() == [[255, 255, 0]]


def test_one_place_of_the_world_lies_in_layers_of_any_pixel_size(viewer):
    fine = viewer.add_image(np.zeros((8, 8)), scale=(0.5, 0.5), translate=(-0.25, -0.25))
    turned = viewer.add_image(np.zeros((3, 4, 4)), rotate=(0, 0, 90), scale=(5, 1, 1))
    shapes = viewer.add_shapes(ndim=2, scale=(2, 2), translate=(1, 0))

    world = to_world(shapes, viewer.dims, [[0, 0], [1, 1]])

    np.testing.assert_allclose(world, [[1, 0], [3, 2]])
    np.testing.assert_allclose(to_pixels(fine, viewer.dims, world), [[2.5, 0.5], [6.5, 4.5]])
    # rotated by a quarter turn: the first axis of the world is the second of the layer
    found = np.abs(to_pixels(turned, viewer.dims, world))
    np.testing.assert_allclose(found, [[0, 1], [2, 3]], atol=1e-9)


def test_units_are_converted(viewer):
    if not hasattr(viewer.dims, "units"):
        pytest.skip("this napari has no units of the world")
    coarse = viewer.add_image(np.zeros((4, 4)), units=("um", "um"))
    fine = viewer.add_image(np.zeros((4, 4)), units=("nm", "nm"), scale=(500, 500))
    viewer.dims.units = coarse.units

    found = to_pixels(fine, viewer.dims, np.array([[1.0, 1.5]]))

    np.testing.assert_allclose(found, [[2, 3]])
    np.testing.assert_allclose(to_world(fine, viewer.dims, [[2, 3]]), [[1, 1.5]])
