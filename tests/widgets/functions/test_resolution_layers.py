"""What is read of layers to measure their resolution, and in which unit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import frc, resolution_images
from napari_sr.evaluation._frc import Agreement
from napari_sr.evaluation.resolution_figures import Resolution
from napari_sr.evaluation.resolution_images import Camera
from napari_sr.runs.run import drive
from napari_sr.widgets.compare.shown_plane import shown_plane
from napari_sr.widgets.functions.resolution_layers import (
    ResolutionError,
    map_arguments,
    profile_of_curves,
    task_of,
)


@pytest.fixture
def layers(viewer, random):
    """Add a stack of blurred counts, turned, with pixels of 0.2 µm, and another exposure."""
    scene = gaussian_filter(random.random((3, 96, 110)), (0, 3, 3), mode="wrap")
    scene = (scene - scene.min()) / np.ptp(scene) * 200
    place = {"scale": (1, 0.2, 0.2), "rotate": 20, "units": ("um",) * 3}
    return {
        name: viewer.add_image(random.poisson(scene).astype(np.uint16), name=name, **place)
        for name in ("source", "second")
    }


def test_the_shown_plane_is_measured_in_the_unit_of_the_viewer(viewer, layers):
    viewer.dims.set_point(0, 2)

    task = task_of(layers, Camera(), viewer.dims)
    found = drive(task.steps())

    planes = [layers[name].data[2] for name in ("source", "second")]
    row = found.figure("FRC, two exposures")
    assert row.unit == "µm"
    assert row.source == pytest.approx(frc(*planes, pixel_size=0.2).resolution, rel=1e-6)
    assert task.columns == {"source layer": "source 2", "second layer": "second 2"}


@pytest.mark.parametrize(("scale", "unit"), [(1, "px"), (0.1, "world units")])
def test_a_scale_without_a_unit_is_not_read_as_pixels(viewer, random, scale, unit):
    pixels = random.poisson(gaussian_filter(random.random((80, 80)), 3) * 200)
    layer = viewer.add_image(pixels, scale=(scale, scale))

    found = drive(task_of({"source": layer}, Camera(), viewer.dims).steps())

    assert {row.unit for row in found.rows} == {unit}
    told = "the source's scale has no unit of length: one of its pixels is 0.1 world units"
    assert (told in found.notes) == (scale != 1)


def test_of_a_large_plane_the_middle_is_measured(viewer, layers, monkeypatch):
    monkeypatch.setattr(resolution_images, "MOST_SIDE", 80)
    viewer.dims.set_point(0, 0)

    found = drive(task_of(layers, Camera(), viewer.dims).steps())

    assert found.notes == ["measured in the middle, 80 x 80 px of the source"]
    middle = [layers[name].data[0, 8:88, 15:95] for name in ("source", "second")]
    row = found.figure("FRC, two exposures")
    assert row.source == pytest.approx(frc(*middle, pixel_size=0.2).resolution, rel=1e-6)


def test_pixels_that_are_not_square_and_no_source_are_refused(viewer, layers):
    layers["source"].scale = (1, 0.2, 0.3)

    with pytest.raises(ResolutionError, match=r"got 0\.2 by 0\.3 in source"):
        task_of(layers, Camera(), viewer.dims)
    with pytest.raises(ResolutionError, match="choose a source"):
        task_of({"source": None}, Camera(), viewer.dims)


def test_curves_end_where_their_frequencies_do():
    coarse = Agreement(np.array([1.0, 2.0]), np.array([0.9, 0.5]), 1.0)
    fine = Agreement(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.8, 0.6, 0.4, 0.2]), 1.0)

    found = profile_of_curves(Resolution(curves={"source": coarse, "result": fine}, unit="µm"))

    np.testing.assert_allclose(found.distances, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(found.values["source"], [0.9, 0.9, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(found.values["result"], [0.8, 0.8, 0.6, 0.4, 0.2], rtol=1e-6)
    assert found.unit == "cycles/µm"
    assert found.values["1/7"].max() == pytest.approx(1 / 7)


def test_a_map_of_the_middle_lies_there(viewer, layers):
    layer = layers["source"]
    layer.affine = np.diag([1, 3, 0.5, 1])
    layer.translate = (0, 7, 8)
    viewer.dims.set_point(0, 2)
    plane = shown_plane(layer, viewer.dims)

    added = viewer.add_image(np.zeros((1, 40, 30)), **map_arguments(layer, plane, (40, 30)))

    np.testing.assert_allclose(added.data_to_world((0, 0, 0)), layer.data_to_world((2, 28, 40)))
    np.testing.assert_allclose(added.data_to_world((0, 9, 5)), layer.data_to_world((2, 37, 45)))
