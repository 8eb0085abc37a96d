"""The map of differences lies on the part of the source that a result shows, however it lies."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_sr.runs.record import KEY
from napari_sr.runs.run import drive
from napari_sr.widgets.compare import check_map
from napari_sr.widgets.compare.check_map import Checked, add_map

PLACES = {
    "plain": {},
    "anisotropic": {"scale": (3, 0.5, 0.2), "translate": (1, 7, -9), "units": "um"},
    "rotated": {"scale": (2, 0.5, 0.5), "rotate": 33, "translate": (0, 3, 4)},
    "sheared": {"shear": (0, 0, 0.4), "scale": (1, 2, 3), "translate": (5, 6, 7)},
    "affine": {
        "affine": np.array([[2, 0, 0, 1], [0, 0.8, -0.7, 2], [0, 0.5, 1.1, 3], [0, 0, 0, 1.0]]),
        "scale": (1, 2, 0.5),
        "translate": (3, 2, 1),
    },
}


def pair_of(viewer, random, spans, record, **place):
    """Add a source and a result of a part of it, which adds light to one pixel of the source."""
    pixels = (200 * gaussian_filter(random.random((3, 40, 50)), (0, 2, 2))).astype(np.float32)
    source = viewer.add_image(pixels, name="source", **place)
    part = pixels[tuple(slice(*span) for span in spans)].repeat(2, 1).repeat(2, 2)
    part[0, 20:22, 24:26] += 1000
    metadata = {KEY: {"source": "source", "scale": 2, **record}}
    return viewer.add_image(part, name="result", metadata=metadata), source


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    ("spans", "record"),
    [
        (((0, 3), (0, 40), (0, 50)), {}),
        (((1, 2), (0, 40), (0, 50)), {"plane": (1,)}),
        (((0, 3), (5, 35), (8, 50)), {"region": ((5, 35), (8, 50))}),
        (((2, 3), (4, 40), (0, 40)), {"plane": (2,), "region": ((4, 40), (0, 40))}),
        (((0, 2), (10, 34), (0, 50)), {"kept": ((0, 2), (20, 68), (0, 100))}),
    ],
    ids=["whole", "plane", "region", "both", "kept"],
)
def test_each_pixel_lies_on_its_own_of_the_source(viewer, random, spans, record, place):
    result, source = pair_of(viewer, random, spans, record, **place)
    checked = Checked.of(result, source)

    layer = add_map(viewer, drive(checked.steps()), checked, source)

    assert layer.data.shape == tuple(stop - start for start, stop in spans)
    at = np.unravel_index(np.nanargmax(np.abs(layer.data)), layer.data.shape)
    first = [start for start, _ in spans]
    assert tuple(np.add(at, first)) == (first[0], first[1] + 10, first[2] + 12)
    for corner in ((0, 0, 0), tuple(size - 1 for size in layer.data.shape)):
        np.testing.assert_allclose(
            layer.data_to_world(corner), source.data_to_world(np.add(corner, first)), atol=1e-12
        )
    assert layer.units == source.units


def test_a_large_plane_is_shown_by_its_overview_and_pixels_are_computed_where_one_looks(
    viewer, random, monkeypatch
):
    monkeypatch.setattr(check_map, "MOST_IN_MEMORY", 40 * 50 * 4)  # of one plane of three
    monkeypatch.setattr("napari_sr.evaluation.difference_map.SHOWN", 500)
    spans = ((0, 3), (0, 40), (0, 50))
    result, source = pair_of(viewer, random, spans, {}, scale=(1, 2, 2))
    checked = Checked.of(result, source)

    layer = add_map(viewer, drive(checked.steps()), checked, source)

    assert layer.multiscale
    fine, coarse = layer.data
    assert isinstance(fine, dask.array.Array)
    assert isinstance(coarse, np.ndarray)
    assert np.abs(coarse).max() == pytest.approx(float(np.abs(fine).max()))
    np.testing.assert_array_equal(layer.extent.world, source.extent.world)


def test_colours_give_one_map_also_of_a_region(viewer, random):
    pixels = random.random((40, 40, 3)).astype(np.float32)
    source = viewer.add_image(pixels, name="source", rgb=True)
    part = pixels[5:25, :30].repeat(2, 0).repeat(2, 1)
    metadata = {KEY: {"region": ((5, 25), (0, 30)), "scale": 2}}
    result = viewer.add_image(part, name="result", rgb=True, metadata=metadata)
    checked = Checked.of(result, source)

    layer = add_map(viewer, drive(checked.steps()), checked, source)

    assert layer.data.shape == (20, 30)
    assert tuple(layer.data_to_world((0, 0))) == tuple(source.data_to_world((5, 0)))


def test_a_part_that_the_source_lacks_is_an_error(viewer, random):
    result, source = pair_of(viewer, random, ((0, 3), (0, 40), (0, 50)), {"plane": (7,)})

    with pytest.raises(ValueError, match="the result shows the part"):
        Checked.of(result, source)
