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


def test_bands_are_about_as_many_as_squares_and_as_large():
    bands, squares = (TileGrid(1024, 1024, 512, 1, bands=bands) for bands in (True, False))

    assert (bands.count(4), bands.size(4)) == (squares.count(4), (121, 1024))
    assert squares.size(4) == (347, 347)


def test_the_bands_of_a_stage_keep_every_row_once():
    tiles = TileGrid(200, 90, 60, 1, bands=True).tiles(1)

    assert {(tile.keep.columns.start, tile.keep.columns.stop) for tile in tiles} == {(0, 90)}
    kept = [row for tile in tiles for row in range(tile.keep.rows.start, tile.keep.rows.stop)]
    assert kept == list(range(200))


@pytest.mark.parametrize(
    ("height", "width", "tile"), [(2048, 2048, 512), (40, 2000, 40), (200, 60, 60)]
)
def test_tiles_stay_square_where_bands_would_be_thin_or_are_no_wider(height, width, tile):
    bands, squares = (TileGrid(height, width, tile, 4, 40, bands=bands) for bands in (True, False))

    assert bands.tiles(4) == squares.tiles(4)
