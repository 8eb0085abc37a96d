"""Where stages end."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
import torch

from napari_sr.engine.planning.chain_profile import PlaneFormat, Profile
from napari_sr.engine.planning.stage_cost import StageCostModel
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.graph.chain import IMAGE, RESULT, Step


def model_of(radii, flops, channels, *, tile=40, flops_per_byte=1.0):
    """Return the cost model of steps in a row, and their indices."""
    names = [IMAGE, *(f"x{index}" for index in range(1, len(radii))), RESULT]
    chain = tuple(
        Step(torch.neg, (reads,), (writes,), radius)
        for radius, (reads, writes) in zip(radii, pairwise(names), strict=True)
    )
    wide = zip(names, (1, *channels, 1), strict=True)
    planes = {name: PlaneFormat(many, 1, torch.float32) for name, many in wide}
    profile = Profile(tuple(flops), planes, attention_flops=0.0, probe_pixels=1)
    return StageCostModel(chain, profile, TileGrid(300, 200, tile, 1), flops_per_byte), list(
        range(len(radii))
    )


def cost_of(model, group):
    """Return the cost of a stage of consecutive steps."""
    reads, keeps = model._chain[group[0]].reads, model._chain[group[-1]].writes
    after = [sum(map(model.radius, group[at + 1 :])) for at in range(len(group))]
    halo = sum(map(model.radius, group))
    if not model._grid.fits(halo):
        return float("inf")
    return model.cost(zip(group, after, strict=True), halo, reads, keeps)


def test_computing_all_that_tiles_read_costs_more_for_wider_steps():
    model, _ = model_of([1, 2, 0], [10.0, 10.0, 20.0], [8, 8], tile=40)

    # without a halo, nothing is computed twice; the last step alone would need less
    assert model.extra([(2, 0)], 0) == 1
    assert model.extra([(1, 0)], 2) == 1
    full, shrunk = model._grid.overlap_factor(2, 0), model._grid.overlap_factor(2, 2)
    assert model.extra([(1, 0), (2, 0)], 2) == pytest.approx(30 * full / (10 * full + 20 * shrunk))


@pytest.mark.parametrize("flops_per_byte", [0.0, 3.0, 30.0])
def test_no_other_cut_costs_less(flops_per_byte):
    model, steps = model_of(
        [1, 4, 0, 3, 5], [90.0, 300.0, 20.0, 500.0, 40.0], [8, 3, 16, 2],
        flops_per_byte=flops_per_byte,
    )  # fmt: skip
    totals = []
    for many in range(len(steps)):
        for inner in combinations(steps[1:], many):
            ends = pairwise((0, *inner, len(steps)))
            totals.append(sum(cost_of(model, steps[start:stop]) for start, stop in ends))

    assert sum(cost_of(model, group) for group in model.cut(steps)) == pytest.approx(min(totals))


def test_costly_transfers_join_steps_and_costly_arithmetic_separates_them():
    radii, flops, channels = [6, 6, 6], [1000.0] * 3, [64, 64]

    costly, steps = model_of(radii, flops, channels, tile=80, flops_per_byte=1e6)
    cheap, _ = model_of(radii, flops, channels, tile=80, flops_per_byte=0.0)

    assert costly.cut(steps) == [[0, 1, 2]]
    assert cheap.cut(steps) == [[0], [1], [2]]


def test_no_group_has_a_wider_halo_than_a_tile_allows():
    model, steps = model_of([6, 6, 6], [1.0] * 3, [640, 640], tile=30, flops_per_byte=1e6)

    assert [len(group) for group in model.cut(steps)] in ([1, 2], [2, 1])


def test_a_tile_that_no_step_fits_is_refused():
    model, steps = model_of([6, 20], [1.0] * 2, [1], tile=40)

    with pytest.raises(ValueError, match=r"at least 41 px .* got 40"):
        model.cut(steps)


def test_planes_that_nothing_needs_have_no_margin():
    model, steps = model_of([1, 2, 3], [1.0] * 3, [1, 1])

    needed, margins = model.margins(steps, {"x2"})

    assert needed == {"x2": 0, "x1": 2, IMAGE: 3}
    assert margins == {1: 0, 0: 2}
