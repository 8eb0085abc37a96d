from __future__ import annotations

import numpy as np
import pytest
from fakes import Global, Nearest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import make_grid
from napari_sr.files.ome_zarr.write import create
from napari_sr.streaming import shards
from napari_sr.streaming.shards import shard_of_block, write_block


def test_a_local_block_is_one_shard_and_a_plane_is_cut():
    layout = layout_of((300, 400), np.uint8, "YX")
    local = make_grid(layout, Nearest(scale=2), local=True, side=(64, 32))
    whole = make_grid(layout, Global(scale=2), local=False)

    assert shard_of_block(local, 2) == (128, 64)
    assert shard_of_block(whole, 2) == (2048, 2048)


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("local", [True, False])
def test_blocks_put_together_are_the_result(tmp_path, random, monkeypatch, local):
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (32,))
    layout = layout_of((2, 50, 70), np.uint8, "ZYX")
    larger = layout.enlarged(2)
    result = random.integers(0, 255, larger.shape, np.uint8)
    grid = make_grid(layout, Nearest(scale=2), local=local, side=(32, 32) if local else None)
    shard = shard_of_block(grid, 2)
    writer = create(tmp_path / "a.zarr", larger, block=shard)

    for block in grid:
        rows, columns = shards.output_place(block, 2)
        write_block(writer, block, 2, larger.read(result, block.plane, rows, columns))
    writer.finish()

    np.testing.assert_array_equal(writer.levels[0][:], result)
