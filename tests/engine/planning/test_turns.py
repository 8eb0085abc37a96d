"""The order of tiles when stages take turns: nothing is read too early or freed too soon."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from fakes import Chunked, Global, Pooled
from hypothesis import given
from hypothesis import strategies as st
from stages import example

from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.turns import lags, rows_needed_later, rows_of_a_band
from napari_sr.graph.chain import PooledGrid, Step
from sr_kernels._bilinear import _places

network = cache(example)


def cut(network, height, strip, *, tile=64, width=70, multiple=1):
    found = profile_of(network, 3, torch.float32)
    grid = TileGrid(height, width, tile, multiple, strip=strip)
    return Stages(found.chain, found.profile, grid, flops_per_byte=12.0)


def link_of(plan, stage):
    return None if stage.gather is None else plan.chain[stage.gather]


@pytest.mark.parametrize("name", ["bsrn_s", "rfdn", "edsr", "rrdbnet"])
@given(data=st.data())
def test_what_a_turn_reads_is_known_and_not_freed(name, data):
    multiple = data.draw(st.sampled_from([1, 2, 6]))
    height, strip = data.draw(st.integers(100, 900)), data.draw(st.integers(1, 12)) * multiple
    plan = cut(network(name), height, strip, multiple=multiple)
    known, freed, values = {"image": height}, {}, {}

    for turn, later in zip(
        plan.turns, rows_needed_later(plan.turns, plan.all, plan.chain), strict=True
    ):
        stage, link = plan.all[turn.stage], link_of(plan, plan.all[turn.stage])
        links = [plan.chain[index] for index, _ in stage.steps]
        used = {one for step in links if isinstance(step, Step) for one in step.uses}
        for span in turn.rows:
            first, stop = span.read.start, span.read.stop
            assert first % multiple == 0 or isinstance(link, PooledGrid)
            if isinstance(link, PooledGrid):
                first, stop = first * link.pitch, (stop - 1) * link.pitch + link.reach
            for plane in stage.reads:
                assert freed.get(plane, 0) <= first < stop <= known[plane]
            for value in used:
                rows, complete = values[value]
                cells, _ = _places(complete, height, first, stop - first, torch.zeros(()))
                assert cells.stop <= rows
        end = turn.rows[-1].keep.stop
        known |= dict.fromkeys(stage.keeps, end)
        if isinstance(link, PooledGrid):
            complete = link.cells(height)
            values[link.writes] = (end if end == complete else end - link.radius), complete
        freed |= {plane: later.get(plane, height) for plane in stage.reads}

    assert known["result"] == height


@given(height=st.integers(60, 2000), strip=st.integers(4, 300))
def test_each_stage_keeps_every_row_once_in_tiles_of_one_height(height, strip):
    plan = cut(network("bsrn_s"), height, strip)

    for number, stage in enumerate(plan.all):
        spans = [span for turn in plan.turns if turn.stage == number for span in turn.rows]
        link = link_of(plan, stage)
        size = height if link is None else link.cells(height)
        kept = [row for span in spans for row in range(span.keep.start, span.keep.stop)]
        assert kept == list(range(size))
        if link is None:
            assert all(one.read.stop - one.read.start <= strip + 2 * stage.halo for one in spans)
            heights = {one.read.stop - one.read.start for one in spans}
            assert len(heights) == 1
            # one row of tiles in each strip, some more at the top and at the bottom
            assert len(spans) <= height / strip + 2 + max(lags(plan.all, plan.chain, 1)) / strip


@pytest.mark.parametrize("network", [Chunked(), Global(), Pooled(scale=1)])
def test_stages_that_need_whole_planes_do_not_take_turns(network):
    found = profile_of(network, 1, torch.float32)
    plan = Stages(found.chain, found.profile, TileGrid(200, 70, 40, 2, strip=16))

    assert lags(plan.all, plan.chain, 2) is None
    assert not plan.take_turns


@given(height=st.integers(15, 900), data=st.data())
def test_no_row_needs_cells_below_the_lag(height, data):
    link = profile_of(network("rfdn"), 3, torch.float32).chain[3]
    known = data.draw(st.integers(1, height))
    stop, cells = known - link.lag, link.cells(height)
    if stop > 0 and known < height:
        above, _ = _places(cells, height, 0, stop, torch.zeros(()))

        assert above.stop <= link.cells(known) - link.radius
        # not much more than needed
        assert link.lag <= link.reach + link.pitch * (link.radius + 1)


@pytest.mark.parametrize(("height", "multiple", "rows"), [(50, 1, 64), (9000, 1, 141), (90, 6, 66)])
def test_a_plane_has_few_bands(height, multiple, rows):
    assert rows_of_a_band(height, multiple) == rows
    assert math.ceil(height / rows) <= 64
    assert rows_of_a_band(height, multiple, turns=True) == {1: 32, 6: 36}[multiple]
