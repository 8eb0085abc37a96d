"""Where a result is compared with its source."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.consistency.sampling import SIDE, windows
from napari_sr.engine.image.arrays import layout_of


def covered(shape, axes, most):
    """Return how often each pixel is in a window, and the number of windows."""
    layout = layout_of(shape, "uint8", axes)
    found = np.zeros(shape, int)
    places = list(windows(layout, most))
    for plane, rows, columns in places:
        found[(*plane, rows, columns)] += 1
    return found, len(places)


@pytest.mark.parametrize("shape", [(512, 512), (1, 1), (63, 300), (4, 130, 65), (512, 7)])
def test_small_images_are_compared_whole(shape):
    found, count = covered(shape, "ZYX"[-len(shape) :], 64)

    assert (found == 1).all()
    assert count <= 64


@pytest.mark.parametrize(
    ("shape", "most"),
    [((5000, 900), 64), ((100, 300, 300), 64), ((3000, 40, 40), 64), ((900, 900), 1)],
)
def test_of_large_images_no_pixel_is_read_twice_and_few_in_all(shape, most):
    found, count = covered(shape, "ZYX"[-len(shape) :], most)

    assert found.max() == 1
    assert count <= most
    assert most * SIDE**2 / 12 < found.sum() <= most * SIDE**2


def test_windows_are_spread_over_planes_rows_and_columns():
    found, _ = covered((100, 500, 500), "ZYX", 64)

    planes = np.flatnonzero(found.any(axis=(1, 2)))
    assert len(planes) == 16
    assert np.ptp(planes) > 90
    rows = [found[z].any(axis=1).argmax() for z in planes]
    assert len(set(rows)) > 10  # not the same place in each plane


def test_borders_are_neither_left_out_nor_preferred():
    found, _ = covered((1024, 1024), "YX", 64)

    border = np.concatenate([found[[0, -1]].ravel(), found[:, [0, -1]].ravel()])
    assert 0.3 < border.mean() / found.mean() < 1.2
