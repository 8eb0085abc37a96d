"""Along a line, a plane has the values of its bicubic enlargement."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

import napari_sr
from napari_sr.widgets.compare.bicubic import enlarged_values, enlargement
from napari_sr.widgets.compare.profile import Track, profile_of, tracks_of
from napari_sr.widgets.compare.shown_plane import shown_plane


def track(viewer, layer, vertices=((0, 0), (1, 1))):
    return Track(shown_plane(layer, viewer.dims), np.array(vertices, float))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", [(9, 14), (2, 3), (1, 5)])
def test_values_are_those_of_the_model_between_its_pixels(viewer, random, scale, shape):
    image = random.random(shape).astype(np.float32)
    model = napari_sr.upscale(image, f"bicubic-x{scale}", outliers="keep", device="cpu")
    places = random.uniform(-0.5, np.array(shape) - 0.5, (300, 2))
    places[:2] = (-0.5, -0.5), np.array(shape) - 0.5

    found = enlarged_values(track(viewer, viewer.add_image(image)), places, scale)

    fine = np.clip((places + 0.5) * scale - 0.5, 0, scale * np.array(shape) - 1)
    expected = map_coordinates(model.astype(float), fine.T, order=1, mode="nearest")
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_only_the_neighbourhood_of_the_line_is_read(viewer, random, monkeypatch):
    one = track(viewer, viewer.add_image(random.random((400, 500))))
    read = []
    original = type(one.plane).read

    def watched(plane, *spans):
        read.append(spans)
        return original(plane, *spans)

    monkeypatch.setattr(type(one.plane), "read", watched)

    enlarged_values(one, np.array([[100.2, 50.0], [110.9, 80.0]]), 2)

    [(rows, columns)] = read
    assert (rows.start, rows.stop) == (98, 114)
    assert (columns.start, columns.stop) == (48, 83)


def test_outside_of_the_plane_there_are_no_values(viewer):
    one = track(viewer, viewer.add_image(np.ones((4, 5))))

    found = enlarged_values(one, np.array([[-0.6, 1], [1, 1], [1, 4.6]]), 2)

    np.testing.assert_allclose(found, [np.nan, 1, np.nan], rtol=1e-6)
    assert np.isnan(enlarged_values(one, np.array([[9.0, 9.0]]), 2)).all()


def test_colours_are_enlarged_as_luma(viewer, random):
    image = random.integers(0, 255, (8, 9, 3)).astype(np.uint8)
    luma = image @ np.array([0.299, 0.587, 0.114])
    places = random.uniform(0, 7, (20, 2))

    found = enlarged_values(track(viewer, viewer.add_image(image, rgb=True)), places, 2)

    expected = enlarged_values(track(viewer, viewer.add_image(luma)), places, 2)
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("factor", "scale"), [(2, 2), (3.99, 4), (2.5, None), (1, None), (17, None)]
)
def test_the_enlargement_is_a_whole_number(viewer, factor, scale):
    layer = viewer.add_image(np.ones((4, 5)))
    line = np.array([[0, 0], [3, 4], [3, 1]], float)

    tracks = {"before": track(viewer, layer, line), "after": track(viewer, layer, factor * line)}

    assert enlargement(tracks) == scale
    assert enlargement({"before": tracks["before"]}) is None
    still = track(viewer, layer, np.zeros((2, 2)))
    assert enlargement({"before": still, "after": still}) is None


def test_a_finer_layer_gets_the_curve_as_if_a_layer_had_been_made(viewer, random):
    image = random.random((20, 24)).astype(np.float32)
    model = napari_sr.upscale(image, "bicubic-x2", outliers="keep", device="cpu")
    layers = {
        "before": viewer.add_image(image, scale=(2, 2), rotate=20),
        "after": viewer.add_image(model, scale=(1, 1), rotate=20),
    }
    # outer edges in one place
    moved = layers["before"].data_to_world((-0.25, -0.25))
    layers["after"].translate = moved
    shapes = viewer.add_shapes(ndim=2)
    ends = [layers["before"].data_to_world(place) for place in ((2, 3), (16, 20))]
    shapes.add_lines(np.array(ends))

    profile = profile_of(*tracks_of(shapes, layers, viewer.dims))

    assert list(profile.values) == ["before", "after", "bicubic"]
    np.testing.assert_allclose(profile.values["bicubic"], profile.values["after"], atol=1e-5)
    assert np.abs(profile.values["bicubic"] - profile.values["before"]).max() > 0.01
