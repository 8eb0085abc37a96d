"""Where stages end."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
import torch

from napari_sr.engine.planning.chain_profile import Kind, Profile
from napari_sr.engine.planning.stage_cost import StageCostModel
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.graph.chain import IMAGE, RESULT, Step


def costs(radii, flops, channels, *, tile=40, flops_per_byte=1.0):
    """Return the costs of steps in a row, and their places."""
    names = [IMAGE, *(f"x{place}" for place in range(1, len(radii))), RESULT]
    chain = tuple(
        Step(torch.neg, (reads,), (writes,), radius)
        for radius, (reads, writes) in zip(radii, pairwise(names), strict=True)
    )
    wide = zip(names, (1, *channels, 1), strict=True)
    planes = {name: Kind(many, 1, torch.float32) for name, many in wide}
    found = Profile(tuple(flops), planes, attending=0.0, pixels=1)
    return StageCostModel(chain, found, TileGrid(300, 200, tile, 1), flops_per_byte), list(
        range(len(radii))
    )


def price(of, group):
    """Return what a stage of these steps costs, all of which are in a row."""
    reads, keeps = of._chain[group[0]].reads, of._chain[group[-1]].writes
    after = [sum(map(of.radius, group[at + 1 :])) for at in range(len(group))]
    halo = sum(map(of.radius, group))
    if not of._grid.fits(halo):
        return float("inf")
    return of.cost(zip(group, after, strict=True), halo, reads, keeps)


def test_computing_all_that_tiles_read_takes_more_the_more_steps_look_around():
    of, _ = costs([1, 2, 0], [10.0, 10.0, 20.0], [8, 8], tile=40)

    # without a halo nothing is computed twice; the last step alone would need less
    assert of.extra([(2, 0)], 0) == 1
    assert of.extra([(1, 0)], 2) == 1
    share, eroded = of._grid.share(2, 0), of._grid.share(2, 2)
    assert of.extra([(1, 0), (2, 0)], 2) == pytest.approx(30 * share / (10 * share + 20 * eroded))


@pytest.mark.parametrize("flops_per_byte", [0.0, 3.0, 30.0])
def test_no_other_way_to_cut_costs_less(flops_per_byte):
    of, steps = costs(
        [1, 4, 0, 3, 5], [90.0, 300.0, 20.0, 500.0, 40.0], [8, 3, 16, 2],
        flops_per_byte=flops_per_byte,
    )  # fmt: skip
    ways = []
    for many in range(len(steps)):
        for inner in combinations(steps[1:], many):
            ends = pairwise((0, *inner, len(steps)))
            ways.append(sum(price(of, steps[start:stop]) for start, stop in ends))

    assert sum(price(of, group) for group in of.cut(steps)) == pytest.approx(min(ways))


def test_dear_carrying_joins_steps_and_dear_computing_parts_them():
    radii, flops, channels = [6, 6, 6], [1000.0] * 3, [64, 64]

    dear, steps = costs(radii, flops, channels, tile=80, flops_per_byte=1e6)
    cheap, _ = costs(radii, flops, channels, tile=80, flops_per_byte=0.0)

    assert dear.cut(steps) == [[0, 1, 2]]
    assert cheap.cut(steps) == [[0], [1], [2]]


def test_no_group_is_wider_than_a_tile_allows():
    of, steps = costs([6, 6, 6], [1.0] * 3, [640, 640], tile=30, flops_per_byte=1e6)

    assert [len(group) for group in of.cut(steps)] in ([1, 2], [2, 1])


def test_a_tile_that_no_step_fits_is_refused():
    of, steps = costs([6, 20], [1.0] * 2, [1], tile=40)

    with pytest.raises(ValueError, match=r"at least 41 px .* got 40"):
        of.cut(steps)


def test_what_nothing_needs_has_no_margin():
    of, steps = costs([1, 2, 3], [1.0] * 3, [1, 1])

    needed, margins = of.margins(steps, {"x2"})

    assert needed == {"x2": 0, "x1": 2, IMAGE: 3}
    assert margins == {1: 0, 0: 2}
