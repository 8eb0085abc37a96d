"""Tiles whose feature maps fit into one tensor; other limits are tested in test_plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import Nearest, finish

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning import tile_size, tiling
from napari_sr.engine.planning.plan import make_plan
from napari_sr.engine.planning.settings import Settings
from napari_sr.models import architecture
from napari_sr.models.fsrcnn import FSRCNN


def planned(network, shape, **settings):
    return make_plan(layout_of(shape, "float32"), network, Settings(device="cpu", **settings))


def limit(monkeypatch, elements):
    monkeypatch.setitem(tile_size.LARGEST_TENSOR, "cpu", elements)


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_no_feature_map_on_a_cpu_passes_two_gibibytes_in_float32(precision):
    plan = planned(FSRCNN(scale=2), (4096, 4096), tile=4096, precision=precision)

    # FSRCNN's widest feature map has 56 channels, and its radius is 7 px
    assert 56 * 4 * plan.tile**2 < 2**31
    assert 2048 < plan.side <= 2048 + 2 * FSRCNN(scale=2).receptive_field
    assert plan.count == 4


def test_a_tile_that_fits_is_not_changed():
    assert planned(FSRCNN(scale=2), (4096, 4096), tile=3000).tile == 3000
    assert planned(FSRCNN(scale=2), (1000, 1000), tile=4096).tile == 4096
    assert planned(FSRCNN(scale=2), (9, 10**6), tile=10**6, border="zeros").tile == 10**6


def test_a_network_that_should_see_everything_is_limited_too(monkeypatch):
    class Whole(Nearest):
        whole = True

    limit(monkeypatch, 4 * 100**2)  # of a result twice as large

    assert planned(Whole(), (300, 300)).tile <= 100


def test_limited_tiles_stay_aligned(monkeypatch):
    record = architecture("bsrn")
    limit(monkeypatch, 10**6)

    network = record.network(**record.example)
    assert planned(network, (900, 900, 3), tile=900).tile % network.tile_alignment == 0


def test_a_limited_tile_is_reported_and_does_not_change_the_result(monkeypatch, random):
    torch.manual_seed(0)
    network = FSRCNN(scale=2).eval()
    image = random.random((90, 80)).astype(np.float32)
    settings = Settings(device="cpu", tile=100)
    _, whole = finish(upscale_array(image, network, settings))
    limit(monkeypatch, 56 * 50**2)

    progress, limited = finish(upscale_array(image, network, settings))

    assert "tiles of 100 px do not fit" in progress[0].message
    assert "tiles of 50 px are used instead" in progress[0].message
    assert limited.record["tile"] == 45  # cuts the plane evenly
    np.testing.assert_allclose(limited.pixels, whole.pixels, rtol=0, atol=1e-5)


def test_a_halo_that_leaves_no_tile_small_enough_is_refused_with_both_sizes(monkeypatch):
    limit(monkeypatch, 4 * 20**2)

    with pytest.raises(ValueError, match=r"at least 25 px for a halo of 12 px.* allow 20 px"):
        planned(Nearest(), (90, 80), tile=60, halo=12)


@pytest.mark.parametrize(
    ("name", "device", "gibibytes", "whole"),
    [
        ("bsrn", "cuda", 24, True),
        ("bsrn", "cuda", 4, False),
        ("bsrn", "cpu", 256, False),  # takes too long
        ("fsrcnn", "cuda", 24, False),  # one stage, which stores no features
    ],
)
def test_an_image_runs_whole_if_stages_would_store_features(
    monkeypatch, name, device, gibibytes, whole
):
    monkeypatch.setattr(tile_size, "free_memory", lambda device: gibibytes * 2**30)
    network = architecture(name).network(scale=4, channels=3)
    plan = planned(network, (2048, 2048, 3), precision="float16", tile=1024)
    plan = replace(plan, device=torch.device(device))

    side = tile_size.tile_by_memory(plan, network, 3)

    assert (side == 2048) is whole
    assert side >= 500


@pytest.mark.parametrize(
    ("name", "gibibytes", "whole"),
    [("bsrn", 24, True), ("bsrn", 8, False), ("fsrcnn", 24, False)],
)
def test_a_cpu_computes_a_plane_of_middle_size_whole(monkeypatch, name, gibibytes, whole):
    monkeypatch.setattr(tile_size, "free_memory", lambda device: gibibytes * 2**30)
    network = architecture(name).network(scale=4, channels=3)

    plan = planned(network, (1024, 1000, 3))

    assert plan.tiled is not whole


LOCAL = ["fsrcnn", "edsr", "espcn", "srresnet"]


def tried(name, **options):
    return architecture(name).network(**{**architecture(name).example, **options})


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("size", [(512, 512), (700, 1900), (3000, 2000)], ids=str)
def test_tiles_on_a_cpu_are_computed_soon_after_each_other(name, size, monkeypatch):
    monkeypatch.setattr(tile_size, "TILE_FLOPS", 1e9)
    network = tried(name)

    plan = planned(network, (*size, network.channels))

    by_memory = replace(plan, tile=tile_size.tile_by_memory(plan, network, network.channels))
    assert plan.cost <= tile_size.WORTH**2 * by_memory.cost
    assert plan.largest_flops <= 1e9 or plan.side <= tile_size.CPU_TILES[-1]


def test_a_tile_on_a_cpu_is_no_larger_than_is_fast():
    assert planned(FSRCNN(scale=2), (2000, 2000)).tile == tile_size.CPU_TILES[0]
    assert planned(FSRCNN(scale=2), (2000, 2000), tile=900).tile == 900


@pytest.mark.parametrize("halo", [None, 60])
def test_tiles_stay_larger_where_smaller_ones_cost_too_much(monkeypatch, halo):
    monkeypatch.setattr(tile_size, "TILE_FLOPS", 1.0)

    plan = planned(FSRCNN(scale=2), (2000, 2000), halo=halo)

    smaller = [side for side in tile_size.CPU_TILES if side < plan.tile]
    largest = replace(plan, tile=tile_size.CPU_TILES[0])
    assert plan.cost <= tile_size.WORTH * largest.cost
    assert replace(plan, tile=smaller[0]).cost > tile_size.WORTH * largest.cost


def test_an_image_that_is_one_tile_of_a_network_with_global_values_stays_one(monkeypatch):
    monkeypatch.setattr(tile_size, "TILE_FLOPS", 1.0)

    assert planned(tried("bsrn"), (300, 300, 3)).count == 1


def test_the_tile_of_a_huge_image_is_chosen_without_making_all_tiles(monkeypatch):
    monkeypatch.setattr(tiling, "tiles", lambda *_: pytest.fail("tiles were made"))

    assert planned(FSRCNN(scale=2), (10**6, 10**6)).count > 10**6
    assert planned(tried("bsrn"), (10**5, 10**5, 3)).count > 10**4
