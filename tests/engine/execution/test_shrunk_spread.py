"""The spread of shrunk views against NumPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
from napari_sr.engine.planning.shrinking import Shrinking
from napari_sr.engine.planning.tiling import Region


def test_it_is_the_deviation_of_shrunk_views_also_for_a_second_plane(random):
    shrinking, size = Shrinking(2, Fraction(3, 2)), (12, 10)
    place = Region(slice(0, 12), slice(0, 10))
    spread = ShrunkSpread(shrinking, size)
    spread.aim(place, shrinking.target(place))
    missing = np.zeros((12, 10, 1), bool)
    missing[4:6, 3:5] = True

    for _ in range(2):
        views = random.random((8, 24, 20, 1)).astype(np.float32)
        spread.begin(12, 10, 1)
        for view in views:
            for half in (slice(0, 6), slice(6, 12)):
                rows = view[2 * half.start : 2 * half.stop]
                spread.put(half, slice(0, 10), torch.from_numpy(rows).permute(2, 0, 1)[None])
            spread.end_view(missing)
        spread.end(np.array([255.0]))
        found = spread.take()

    views[:, missing.repeat(2, 0).repeat(2, 1)] = np.nan
    shrunk = [
        shrinking.apply(view, place, size, shrinking.target(place), np.float32)[0] for view in views
    ]
    np.testing.assert_allclose(found, 255 * np.std(shrunk, axis=0), rtol=1e-5)
    assert np.isnan(found).any()
