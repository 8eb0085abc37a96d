from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import Global, Nearest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning import plan as plan_module
from napari_sr.engine.planning import tile_size
from napari_sr.engine.planning.border import USUAL_WIDTH
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture


def planned(network, shape=(300, 400), **settings):
    return make_plan(layout_of(shape, "float32"), network, Settings(device="cpu", **settings))


def halos(plan):
    return [stage.halo for stage in plan.stages.all]


def test_the_halo_is_the_receptive_field():
    assert halos(planned(Nearest(radius=5), tile=64)) == [5]


def test_tiles_are_exact_unless_a_halo_is_chosen_that_is_too_small():
    local, everywhere = Nearest(radius=5), Global()

    assert planned(everywhere, tile=64).exact_for(everywhere)
    assert not planned(everywhere, tile=64, halo=7).exact_for(everywhere)
    assert planned(local, tile=64, halo=7).exact_for(local)
    assert not planned(local, tile=64, halo=4).exact_for(local)


def test_one_tile_needs_no_stages():
    plan = planned(Global(), tile=400)

    assert len(plan.stages.all) == 1
    assert plan.count == 1
    assert plan.cost == pytest.approx(300 * 400)


def test_if_features_would_go_to_files_stages_are_longer(monkeypatch):
    record = architecture("rrdbnet")
    network = record.network(scale=2, features=8, growth=8, blocks=2)
    short = len(planned(network, shape=(900, 900, 3), tile=200).stages.all)

    monkeypatch.setattr(plan_module, "memory_for_features", lambda: 10**6)
    long = planned(network, shape=(900, 900, 3), tile=200)

    assert len(long.stages.all) < short


def test_only_the_share_of_features_in_files_costs_as_much_as_files(monkeypatch):
    record = architecture("imdn")
    network = record.network(**{**record.example, "scale": 2}).eval()

    def cost(room: int) -> float:
        monkeypatch.setattr(plan_module, "memory_for_features", lambda: room)
        return planned(network, shape=(900, 900, 3), tile=300).cost

    stored = planned(network, shape=(900, 900, 3), tile=300).spilled_bytes
    in_memory, in_files = cost(stored), cost(0)
    assert not planned(network, shape=(900, 900, 3), tile=300).stages.grid.strip

    assert in_memory < in_files
    assert cost(stored * 3 // 4) == pytest.approx((3 * in_memory + in_files) / 4, rel=1e-3)


def test_stages_take_turns_if_whole_features_would_not_fit_into_memory(monkeypatch):
    record = architecture("bsrn_s")
    network = record.network(**{**record.example, "scale": 2}).eval()
    shape = (3000, 900, 3)
    whole = planned(network, shape=shape, tile=300)
    stored = whole.spilled_bytes

    monkeypatch.setattr(plan_module, "memory_for_features", lambda: stored // 3)
    in_turns = planned(network, shape=shape, tile=300)

    assert not whole.stages.take_turns
    assert in_turns.stages.take_turns
    assert in_turns.spilled_bytes <= stored / 3
    assert in_turns.cost < 1.15 * whole.cost
    assert len(in_turns.shares) == in_turns.count
    each = np.diff(in_turns.shares, prepend=0)
    stages = np.repeat([turn.stage for turn in in_turns.stages.turns], in_turns.stages.counts)
    costs = np.array(in_turns.stages.costs)
    assert np.bincount(stages, each) == pytest.approx(costs / costs.sum())


@pytest.mark.parametrize("tile", [100, 130, 200])
def test_stages_that_take_turns_read_no_more_than_a_tile(tile, monkeypatch):
    monkeypatch.setattr(plan_module, "memory_for_features", lambda: 2 * 10**8)
    for name in ("spanplus", "rfdn"):
        record = architecture(name)
        network = record.network(scale=4, **record.forms[0].options).eval()

        in_turns = planned(network, shape=(4000, 4000, 3), tile=tile)

        rows, columns = in_turns.stages.largest_tile
        assert max(rows, columns, in_turns.side) <= tile


class Whole(Nearest):
    """A network that should see the whole image."""

    whole = True


def test_a_network_that_should_see_everything_gets_one_tile_if_memory_allows(monkeypatch):
    long = (tile_size.LARGEST_TILE + 500, 10)

    assert planned(Nearest(), long).tiled
    assert not planned(Whole(), long).tiled

    monkeypatch.setattr(tile_size, "free_memory", lambda device: 10**5)
    assert planned(Whole(), long).tiled


def test_chroma_needs_a_halo_even_where_the_network_does_not():
    assert halos(planned(Nearest(radius=0), shape=(30, 40, 3), tile=20)) == [2]


def test_planes_are_padded_to_the_least_size_and_the_multiple():
    plan = planned(Nearest(multiple=4, least_size=15), shape=(9, 21))

    assert (plan.height, plan.width) == (16, 24)


def test_the_tile_follows_the_free_memory(monkeypatch):
    network = Nearest(radius=3)
    sides = []
    for free in (2**20, 2**22, 2**24):
        monkeypatch.setattr(tile_size, "free_memory", lambda device, free=free: free)
        sides.append(planned(network, shape=(5000, 5000)).tile)

    assert sides[0] < sides[1] < sides[2]
    assert sides[1] == pytest.approx(2 * sides[0], abs=2)


def test_however_little_memory_is_free_a_tile_keeps_something(monkeypatch):
    monkeypatch.setattr(tile_size, "free_memory", lambda device: 1)

    assert planned(Nearest(radius=6, least_size=15)).tile == 15
    assert planned(Nearest(radius=9)).tile == 19


def test_a_tile_too_small_for_its_halo_is_refused_with_the_least_that_works():
    with pytest.raises(ValueError, match=r"at least 13 px, .* radius of one step .* got 12"):
        planned(Nearest(radius=6), tile=12)


def test_a_small_tile_is_fine_where_it_holds_the_whole_plane():
    assert planned(Nearest(radius=6), shape=(8, 8), tile=8).stages.all[0].at_once


@pytest.mark.parametrize(
    ("name", "value"), [("halo", -1), ("halo", 2.5), ("tile", 20.5), ("tile", "64")]
)
def test_a_tile_or_halo_that_is_no_number_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"the {name} must be a whole number .* got {value!r}"):
        planned(Nearest(), **{name: value})


def test_a_plane_is_planned_with_the_reflected_pixels_around_it():
    around, alone = (planned(Nearest(radius=9), border=border) for border in ("auto", "zeros"))

    assert (around.height, around.width) == (300 + 2 * USUAL_WIDTH, 400 + 2 * USUAL_WIDTH)
    assert (alone.height, alone.width) == (300, 400)
    assert around.cost / alone.cost == pytest.approx(312 * 412 / (300 * 400))


@pytest.mark.parametrize("side", [512, 1024])
def test_reflected_pixels_do_not_cut_planes_of_usual_sides(side):
    sides = [planned(Nearest(radius=9), (side, side), border=one).tile for one in ("auto", "zeros")]

    assert sides[0] - sides[1] in (0, 2 * USUAL_WIDTH)
    assert planned(Nearest(radius=9), (side, side), tile=side).count == 1


def test_halving_ends_at_the_smallest_tile():
    plan = planned(Nearest(radius=6), tile=100, border="zeros")
    sides = []
    while plan is not None:
        sides.append(plan.tile)
        plan = plan.halved()

    assert sides == [100, 45, 22, 13]


def test_half_precision_plans_larger_tiles(monkeypatch):
    monkeypatch.setattr(tile_size, "free_memory", lambda device: 2**22)
    full = planned(Nearest(), shape=(5000, 5000))

    half = planned(Nearest(), shape=(5000, 5000), precision="float16")

    assert half.precision == torch.float16
    assert half.tile > 1.3 * full.tile


def test_shares_weigh_tiles_by_what_their_stage_costs():
    record = architecture("rrdbnet")
    network = record.network(scale=2, features=8, growth=8, blocks=2)
    plan = planned(network, shape=(900, 900, 3), tile=60)

    counts = [len(plan.stages.tiles(turn)) for turn in plan.stages.turns]
    ends = [plan.shares[sum(counts[: number + 1]) - 1] for number in range(len(counts))]
    each = [end - before for end, before in zip(ends, [0.0, *ends], strict=False)]

    assert len(plan.shares) == plan.count
    assert ends[-1] == pytest.approx(1)
    # the head is one convolution, a dense block has many
    assert max(each) > 1.5 * min(each)
    assert each == pytest.approx([cost / plan.stages.cost for cost in plan.stages.costs])


@pytest.mark.parametrize(
    ("name", "options", "tile", "most"),
    [
        ("edsr", {"blocks": 6, "features": 32}, 943, 1.04),
        ("fsrcnn", {"features": 56, "shrunk": 12, "layers": 4}, 512, 1.08),
        ("bsrn", {"features": 64, "blocks": 8}, 736, 1.35),
    ],
)
def test_even_tiles_of_a_large_plane_cost_little_more_than_one(
    name, options, tile, most, monkeypatch
):
    monkeypatch.setattr(plan_module, "memory_for_features", lambda: 2**34)  # whatever else runs
    record = architecture(name)
    network = record.network(**{**record.example, "scale": 2, **options}).eval()

    shape = (1024, 1024) if network.channels == 1 else (1024, 1024, 3)
    plan = planned(network, shape=shape, tile=tile)

    assert plan.tiled
    assert plan.cost <= most * plan.height * plan.width


def test_a_spread_needs_an_ensemble():
    with pytest.raises(ValueError, match="a spread needs an ensemble, got ensemble=False"):
        make_plan(layout_of((9, 9), "uint8"), Nearest(), Settings(device="cpu", spread=True))
