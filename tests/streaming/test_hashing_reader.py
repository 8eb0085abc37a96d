from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.blocks import BlockGrid
from napari_sr.streaming.hashing_reader import HashingReader


def hashes_of(pixels):
    reader = HashingReader(pixels, BlockGrid(layout_of(pixels.shape, pixels.dtype), 16, 16, 3), 3)
    for block in reader.grid:
        reader.read(block)
    return reader.hashes


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_changed_pixel_changes_the_hashes_of_the_blocks_that_read_it(random, kind):
    pixels = (200 * random.random((40, 40))).astype(kind)
    before = hashes_of(pixels)
    assert hashes_of(pixels.copy()) == before

    pixels[17, 5] += 1  # in the block below the first one, and in the first one's margin

    changed = {number for number, found in hashes_of(pixels).items() if found != before[number]}
    assert changed == {0, 3}


def test_a_nan_is_not_the_value_that_fills_it(random):
    pixels = np.ones((16, 16), np.float32)
    before = hashes_of(pixels)

    pixels[5, 5] = np.nan

    assert hashes_of(pixels) != before
