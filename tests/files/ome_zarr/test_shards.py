"""The sizes of levels, shards and chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sr.files.ome_zarr.shards import CHUNK, SMALLEST_SHARD, chunk_side, levels_of

SIDES = st.sampled_from([64, 100, 512, 768, 1000, 1021, 1536, 2048, 3000, 4096])


@given(side=st.integers(1, 5000), limit=st.sampled_from([512, 1024]))
def test_chunks_fill_a_shard(side, limit):
    chunk = chunk_side(side, limit)

    assert side % chunk == 0
    assert chunk <= limit or chunk == side
    assert chunk >= min(side, limit // 8)
    if limit // 8 <= chunk < side:
        larger = [one for one in range(chunk + 1, limit + 1) if side % one == 0]
        assert larger == []


@pytest.mark.parametrize(
    ("side", "chunk"), [(2048, 512), (1536, 512), (768, 384), (100, 100), (1021, 1021), (1000, 500)]
)
def test_usual_sides_have_these_chunks(side, chunk):
    assert chunk_side(side, 512) == chunk


@given(
    size=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    block=st.tuples(SIDES, SIDES),
)
def test_levels_halve_and_blocks_own_whole_shards_of_the_finest(size, block):
    levels = levels_of(*size, block)

    assert (levels[0].height, levels[0].width) == size
    assert levels[0].shard == block
    assert max(levels[-1].height, levels[-1].width) <= 256
    owned = [level.shard is not None for level in levels]
    assert owned == sorted(owned, reverse=True)
    for number, level in enumerate(levels):
        assert level.height == -(-size[0] // 2**number)
        assert level.width == -(-size[1] // 2**number)
        if level.shard is None:
            assert max(level.chunk) <= CHUNK
            continue
        assert tuple(side * 2**number for side in level.shard) == block
        assert (level.shard[0] % level.chunk[0], level.shard[1] % level.chunk[1]) == (0, 0)
        assert number == 0 or min(level.shard) >= SMALLEST_SHARD


def test_a_block_of_2048_owns_six_levels():
    levels = levels_of(60_000, 60_000, (2048, 2048))

    assert [level.shard and level.shard[0] for level in levels] == [
        2048, 1024, 512, 256, 128, 64, None, None, None
    ]  # fmt: skip
    assert [level.width for level in levels[-3:]] == [938, 469, 235]
