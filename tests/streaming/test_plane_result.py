"""A plane's result is handed on shard by shard for any tiles, and again after a restart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.blocks import BlockGrid
from napari_sr.streaming.plane_result import PlaneResult

SCALE = 2


def plane_of(height, width, side, samples=False):
    """Return a plane of numbered pixels, its result's receiver, and what it received."""
    shape = (height, width, 3) if samples else (height, width)
    layout = layout_of(shape, "uint16", "YXS" if samples else "YX")
    block = BlockGrid(layout, height, width, 0, whole=True).block(0)
    larger = (height * SCALE, width * SCALE, *shape[2:])
    values = np.arange(np.prod(larger), dtype=np.uint16).reshape(larger)
    received = []
    result = PlaneResult(block, layout, SCALE, side, lambda *given: received.append(given))
    return values, result, received


def write(result, values, rows, columns):
    """Write a tile of LR pixels."""
    index = tuple(slice(SCALE * span.start, SCALE * span.stop) for span in (rows, columns))
    result[index] = values[index]


def tiles(height, width, tile):
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            yield slice(top, min(top + tile, height)), slice(left, min(left + tile, width))


def assembled(received, values):
    found = np.zeros_like(values)
    for block, part in received:
        rows, columns = (
            slice(SCALE * span.start, SCALE * span.stop)
            for span in (block.place.rows, block.place.columns)
        )
        found[rows, columns] = part
    return found


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    side=st.integers(1, 17),
    tile=st.integers(1, 40),
    samples=st.booleans(),
)
def test_shards_put_together_are_the_result(height, width, side, tile, samples):
    values, result, received = plane_of(height, width, side, samples)

    for place in tiles(height, width, tile):
        write(result, values, *place)
    result.close()

    np.testing.assert_array_equal(assembled(received, values), values)
    assert [block.last for block, _ in received] == [False] * (len(received) - 1) + [True]
    assert max(max(part.shape[:2]) for _, part in received) <= SCALE * side


def test_a_shard_is_handed_on_as_soon_as_tiles_cover_it():
    values, result, received = plane_of(32, 8, 8)

    counts = []
    for place in tiles(32, 8, 8):
        write(result, values, *place)
        counts.append(len(received))

    assert counts == [1, 2, 3, 4]


@pytest.mark.parametrize("done", [1, 3, 5])
def test_a_plane_that_starts_again_hands_all_of_it_on_again(done):
    values, result, received = plane_of(24, 16, 8)
    for place in list(tiles(24, 16, 12))[:done] if done < 4 else tiles(24, 16, 12):
        write(result, np.zeros_like(values), *place)
    before = len(received)

    for place in tiles(24, 16, 6):
        write(result, values, *place)
    result.close()

    np.testing.assert_array_equal(assembled(received[before:], values), values)
    assert received[-1][0].last
    assert len(received) - before == 6


def test_a_plane_that_tiles_do_not_cover_is_told():
    values, result, _ = plane_of(24, 16, 8)
    write(result, values, slice(0, 20), slice(0, 16))

    with pytest.raises(RuntimeError, match="tiles cover 4 of the 6 shards"):
        result.close()
