"""The planes of one tile, and where it reads and keeps them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from fakes import Nearest

from napari_sr.engine.execution.feature_store import Features
from napari_sr.engine.execution.tile import StageContext, TileBuffers, UntrustedError
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import IMAGE, Step
from sr_kernels.plane_moments import plane_moments

CORE, READ = Region(slice(8, 20), slice(8, 20)), Region(slice(6, 22), slice(6, 22))


def blurred(x):
    return torch.nn.functional.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)


def held_for(image, *, alike=False):
    height, width = image.shape[-2:]
    network_profile = profile_of(Nearest(), 1, torch.float32)
    plan = Stages(
        network_profile.chain,
        network_profile.profile,
        TileGrid(height, width, 16, 1),
        flops_per_byte=12.0,
    )

    def read(rows, columns):
        return image[..., rows, columns]

    features = Features(height, width, budget=0, channels_last=False)
    plane = SimpleNamespace(read=read)
    context = StageContext(plan, plan.chain, plane, torch.device("cpu"), features, float32=True)
    return TileBuffers(context, READ, 2, alike=alike)


def test_what_is_wrong_at_inner_edges_is_never_handed_on():
    image = torch.rand(1, 1, 40, 41)
    held = held_for(image)

    held.compute(Step(blurred, (IMAGE,), ("once",), radius=1), 1)
    held.compute(Step(blurred, ("once",), ("twice",), radius=1), 0)

    expected = blurred(blurred(image))[..., CORE.rows, CORE.columns]
    torch.testing.assert_close(held.part("twice", CORE), expected)


def test_tiles_that_are_computed_alike_are_wrong_outside_the_core_only():
    image = torch.rand(1, 1, 40, 41)
    held = held_for(image, alike=True)

    held.compute(Step(blurred, (IMAGE,), ("once",), radius=1), 1)
    held.compute(Step(blurred, ("once",), ("twice",), radius=1), 0)

    assert held.part("twice", READ).shape == (1, 1, *READ.size)
    expected = blurred(blurred(image))[..., CORE.rows, CORE.columns]
    torch.testing.assert_close(held.part("twice", CORE), expected)


def test_moments_are_those_of_the_core():
    image = torch.rand(1, 1, 40, 41)
    held = held_for(image)
    held.compute(Step(torch.neg, (IMAGE,), ("minus",)), 2)

    count, mean, deviations = held.moments("minus", CORE)

    expected = plane_moments(-image[..., CORE.rows, CORE.columns])
    assert count == 144
    torch.testing.assert_close((mean, deviations), expected)


def test_moments_that_a_step_told_are_taken_where_they_are_the_core_s():
    held = held_for(torch.rand(1, 1, 40, 41))
    told = torch.tensor(3.0), torch.tensor(5.0)
    step = Step(lambda x: (x, *told), (IMAGE,), ("same",), moments=True)

    held.compute(step, 0)

    assert held.moments("same", CORE) == (144, *told)


def context(image):
    height, width = image.shape[-2:]
    features = Features(height, width, budget=2**20, channels_last=False)
    features.make("x", 1, 1, torch.float32)

    def read(rows, columns):
        return image[..., rows, columns]

    plane = SimpleNamespace(read=read)
    return StageContext(None, (), plane, torch.device("cpu"), features, float32=True)


def test_a_border_is_right_at_the_image_s_own_edge_only():
    part = Region(slice(0, 20), slice(10, 30))

    assert part.without(4, 50, 30) == Region(slice(0, 16), slice(14, 30))


def test_a_part_within_another_counts_from_there():
    inner, outer = Region(slice(12, 20), slice(16, 30)), Region(slice(10, 24), slice(10, 30))

    assert inner.within(outer, 2) == (slice(4, 20), slice(12, 40))
    assert inner.lies_in(outer)
    assert not outer.lies_in(inner)
    assert inner.size == (8, 14)


def test_parts_come_from_the_image_or_from_what_waits():
    image = torch.arange(30.0).reshape(1, 1, 5, 6)
    held, part = context(image), Region(slice(1, 3), slice(2, 6))

    held.keep("x", part, -image[..., 1:3, 2:6])

    torch.testing.assert_close(held.part("x", part), -held.part(IMAGE, part))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_nothing_waits_that_is_not_finite(wrong):
    held = context(torch.zeros(1, 1, 5, 6))
    values = torch.tensor([[[[0.0, wrong]]]])

    with pytest.raises(UntrustedError, match=r"x has NaN or infinity in slice\(0, 1"):
        held.keep("x", Region(slice(0, 1), slice(0, 2)), values)

    assert held.features.bands == 0
