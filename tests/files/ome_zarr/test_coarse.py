"""Levels that are computed after all blocks."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from napari_sr.files.ome_zarr.area_mean import area_means
from napari_sr.files.ome_zarr.coarse import fill_level


@pytest.mark.parametrize("size", [(64, 64), (53, 75), (7, 130)], ids=str)
def test_levels_of_floats_are_the_means_of_the_image_itself(random, size):
    pixels = random.normal(size=(2, *size))
    levels = [pixels, *_means(pixels, 4)]
    stored = [_array(level) for level in levels[:2]]

    for number in (2, 3, 4):
        stored.append(_array(np.zeros_like(levels[number])))
        fill_level(stored[-2], stored[-1], number, size)

    for expected, level in zip(levels, stored, strict=True):
        np.testing.assert_allclose(level[...], expected, rtol=1e-12, atol=1e-12)


def test_only_the_part_below_one_chunk_is_read_at_once(random):
    finer = _array(random.integers(0, 255, (1, 100, 90), np.uint8))
    target = _array(np.zeros((1, 50, 45), np.uint8))
    windows = []

    class Watched:
        shape = finer.shape

        def __getitem__(self, index):
            part = finer[index]
            windows.append(part.shape)
            return part

    fill_level(Watched(), target, 1, (100, 90))

    assert max(windows) == (32, 32)
    np.testing.assert_array_equal(target[0], next(area_means(finer[0], 1)))


def _means(pixels, levels):
    for level in area_means(np.moveaxis(pixels, 0, 2), levels):
        yield np.moveaxis(level, 2, 0)


def _array(values):
    array = zarr.create_array({}, shape=values.shape, dtype=values.dtype, chunks=(1, 16, 16))
    array[...] = values
    return array
