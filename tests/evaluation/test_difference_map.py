"""The map of differences as an overview of planes that are too large to be shown whole."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.evaluation import difference_map
from napari_sr.evaluation.consistency import check_steps
from napari_sr.evaluation.difference_map import overview_of
from napari_sr.runs.run import drive


@pytest.mark.parametrize(
    ("shape", "most", "step"),
    [
        ((100, 100), 40_000, 1),
        ((5000, 5000), 10**8, 1),
        ((100, 100), 39_999, None),  # a small plane of a large stack is shown whole
        ((5000, 5000), 10**7, 4),
        ((5000, 5000), 399, None),
        ((5000, 5000), 0, None),
    ],
)
def test_the_finest_step_that_fits_is_taken(shape, most, step):
    found = overview_of(layout_of(shape, "uint8", "YX"), most)

    assert (found and found.step) == step


@pytest.mark.parametrize("rgb", [False, True])
def test_an_overview_has_the_value_furthest_from_zero(random, monkeypatch, rgb):
    monkeypatch.setattr(difference_map, "SIDE", 32)
    monkeypatch.setattr(difference_map, "SHOWN", 400)
    shape = (2, 50, 70, 3) if rgb else (2, 50, 70)
    source = random.normal(100, 1, shape).astype(np.float32)
    source[1, 10:12, 10:12] = np.nan
    result = (source + random.normal(0, 5, shape)).repeat(2, 1).repeat(2, 2)
    axes = "ZYXS" if rgb else "ZYX"

    found = drive(check_steps(source, result, axes=axes, most_in_memory=10_000))

    whole = np.asarray(found.map)
    assert found.overview.shape == (2, 13, 18, *shape[3:])
    for z, y, x in np.ndindex(2, 13, 18):
        square = whole[z, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4].reshape(-1, *shape[3:])
        expected = [
            one[np.nanargmax(np.abs(one))] if np.isfinite(one).any() else np.nan
            for one in np.atleast_2d(square.T)
        ]
        np.testing.assert_array_equal(np.atleast_1d(found.overview[z, y, x]), expected)
