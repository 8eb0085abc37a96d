"""Tiles of stages: pixels, cells or runs of pixels."""

from __future__ import annotations

import pytest
import torch
from fakes import Chunked
from stages import example, stages_of

from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.stage_tiles import tiles_of
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.graph.chain import PooledGrid


def test_each_pixel_is_a_query_once_and_in_its_chunk():
    network_profile = profile_of(Chunked(), 1, torch.float32)
    cut = Stages(
        network_profile.chain, network_profile.profile, TileGrid(31, 30, 9, 1), flops_per_byte=12.0
    )
    [attention] = [turn for turn in cut.turns if cut.all[turn.stage].gather is not None]

    runs = [(tile.keep.columns, tile.read.columns) for tile in cut.tiles(attention)]

    assert [pixel for run, _ in runs for pixel in range(run.start, run.stop)] == list(range(930))
    assert {chunk.indices(930)[:2] for _, chunk in runs} == {(0, 310), (310, 620), (620, 930)}
    assert all(c.start <= run.start < run.stop <= c.stop for run, c in runs)
    assert all(run.stop - run.start <= 81 for run, _ in runs)


@pytest.mark.parametrize("name", ["fsrcnn", "bsrn", "esrt", "edsr"])
@pytest.mark.parametrize("size", [48, 77, 130])
def test_tiles_are_counted_as_they_are_made(name, size):
    plan = stages_of(example(name), 48, size)

    assert plan.counts == tuple(len(plan.tiles(turn)) for turn in plan.turns)
    assert plan.count == sum(map(plan.count_of, plan.all)) == sum(plan.counts)


@pytest.mark.parametrize("size", [150, 301])
def test_tiles_of_turns_are_counted_and_keep_each_pixel_once(size):
    found = profile_of(example("rfdn"), 3, torch.float32)
    plan = Stages(found.chain, found.profile, TileGrid(size, 77, 48, 1, strip=20))

    kept = [torch.zeros(size, 77) for _ in plan.all]
    for turn, count in zip(plan.turns, plan.counts, strict=True):
        tiles = plan.tiles(turn)
        assert len(tiles) == count
        for tile in tiles:
            kept[turn.stage][tile.keep.rows, tile.keep.columns] += 1

    assert plan.take_turns
    for stage, times in zip(plan.all, kept, strict=True):
        link = None if stage.gather is None else plan.chain[stage.gather]
        rows, columns = (size, 77) if link is None else (link.cells(size), link.cells(77))
        assert times[:rows, :columns].eq(1).all()
        assert times.sum() == rows * columns


def test_cells_are_tiled_as_squares_that_a_tile_of_pixels_has_room_for():
    link = PooledGrid("x", "y", torch.neg, 6, 15, torch.neg)

    tiles = tiles_of(TileGrid(200, 100, 64, 1), link, 0)

    # 31 x 15 cells, in squares of 9 x 9 at most, which are cut evenly
    assert link.cells(64) == 9
    assert {tile.read.size for tile in tiles} == {(8, 8)}
    assert tiles[-1].keep.spans == ((24, 31), (8, 15))
