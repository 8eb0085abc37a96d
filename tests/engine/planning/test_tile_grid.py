"""How planes are cut into tiles."""

from __future__ import annotations

import pytest

from napari_sr.engine.planning.tile_grid import TileGrid


def test_tiles_keep_every_pixel_once():
    kept = [
        (row, column)
        for tile in TileGrid(37, 53, 20, 1).tiles(3)
        for row in range(tile.keep.rows.start, tile.keep.rows.stop)
        for column in range(tile.keep.columns.start, tile.keep.columns.stop)
    ]

    assert sorted(kept) == [(row, column) for row in range(37) for column in range(53)]


def test_a_tile_must_keep_something_inside_its_halo():
    assert TileGrid(100, 100, 7, 1).fits(3)
    assert not TileGrid(100, 100, 6, 1).fits(3)
    assert TileGrid(6, 5, 6, 1).fits(3)  # one tile takes all


def test_the_overlap_factor_counts_what_tiles_read_twice():
    assert TileGrid(200, 200, 200, 1).overlap_factor(10, 0) == 1
    # two tiles of 100 px each way cover 180 px with a halo of 10
    assert TileGrid(180, 180, 100, 1).overlap_factor(10, 0) == pytest.approx((200 / 180) ** 2)
    assert TileGrid(180, 180, 100, 1).overlap_factor(10, 10) == pytest.approx(1)
