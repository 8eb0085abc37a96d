"""Where chains are cut, and what stages read, keep and cost."""

from __future__ import annotations

import pytest
import torch

from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.graph.chain import IMAGE, RESULT
from napari_sr.models import architecture


def stages(name, tile=64, side=200, flops_per_byte=12.0, channels=3, **options):
    record = architecture(name)
    network = record.network(**{**record.example, **options})
    network_profile = profile_of(network, channels, torch.float32)
    grid = TileGrid(side, side, tile, network.multiple)
    return Stages(
        network_profile.chain, network_profile.profile, grid, flops_per_byte=flops_per_byte
    )


def halos(cut):
    return [stage.halo for stage in cut.all]


def test_a_convolutional_network_is_one_stage_if_moving_features_is_costly():
    assert halos(stages("rrdbnet", unshuffle=1, tile=150, flops_per_byte=1e9)) == [19]


def test_a_deep_network_is_cut_if_computing_twice_is_costlier():
    cut = stages("rrdbnet", unshuffle=1, tile=64, side=5000, flops_per_byte=0.0)

    # a stage for every step: start, head, three dense blocks, merge and tail
    assert halos(cut) == [0, 1, 5, 5, 5, 1, 2]


def test_a_tile_too_small_for_one_stage_gets_several():
    assert len(stages("rrdbnet", unshuffle=1, tile=150, flops_per_byte=1e9).all) == 1
    assert len(stages("rrdbnet", unshuffle=1, tile=40, flops_per_byte=1e9).all) > 1


def test_a_tile_smaller_than_any_step_s_halo_is_refused():
    with pytest.raises(ValueError, match=r"at least 11 px .* got 9"):
        _ = stages("rrdbnet", unshuffle=1, tile=9).all


def test_a_stage_ends_where_something_is_gathered():
    cut = stages("imdn")

    assert [stage.gather is not None for stage in cut.all] == [True, True, False]
    assert cut.all[-1].keeps == (RESULT,)
    assert cut.all[0].reads == (IMAGE,)


def test_steps_without_a_halo_are_computed_again_instead_of_stored():
    statistics, following = stages("bsrn").all[2:4]

    assert statistics.keeps == ()
    assert {index for index, _ in statistics.steps} < {index for index, _ in following.steps}


def test_every_plane_that_is_read_was_kept_before():
    for name in ("bsrn", "bsrn_s", "rfdn", "imdn", "rrdbnet"):
        kept = {IMAGE}
        for stage in stages(name).all:
            assert set(stage.reads) <= kept
            kept |= set(stage.keeps)


def test_no_margin_is_wider_than_the_halo():
    for stage in stages("bsrn").all:
        assert all(0 <= margin <= stage.halo for _, margin in stage.steps)


def test_smaller_tiles_cost_more():
    costs = [stages("bsrn", tile=tile, side=2000).cost for tile in (30, 60, 120)]

    assert costs[0] > costs[1] > costs[2]


def test_half_precision_halves_what_is_stored():
    record = architecture("bsrn")
    network = record.network(**record.example)
    grid = TileGrid(200, 200, 64, 1)
    stored = []
    for dtype in (torch.float32, torch.float16):
        network_profile = profile_of(network, 3, dtype)
        cut = Stages(network_profile.chain, network_profile.profile, grid, flops_per_byte=12.0)
        stored.append(cut.spilled_bytes)

    assert stored[1] == stored[0] / 2
