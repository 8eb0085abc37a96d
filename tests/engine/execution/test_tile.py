"""The planes of one tile: what it reads and what it keeps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from fakes import Nearest

from napari_sr.engine.execution.context import UntrustedError
from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.tile import StageContext, TileBuffers
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.stage_plan import Stages
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import IMAGE, Step
from sr_kernels.plane_moments import plane_moments

CORE, READ = Region(slice(8, 20), slice(8, 20)), Region(slice(6, 22), slice(6, 22))


def blurred(x):
    return torch.nn.functional.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)


def buffers_for(image, *, uniform=False):
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

    features = FeatureStore(height, width, budget=0, channels_last=False)
    plane = SimpleNamespace(read=read)
    context = StageContext(plan, plan.chain, plane, torch.device("cpu"), features, float32=True)
    return TileBuffers(context, READ, 2, uniform=uniform)


def test_wrong_pixels_at_inner_edges_are_never_used():
    image = torch.rand(1, 1, 40, 41)
    buffers = buffers_for(image)

    buffers.compute(Step(blurred, (IMAGE,), ("once",), radius=1), 1)
    buffers.compute(Step(blurred, ("once",), ("twice",), radius=1), 0)

    expected = blurred(blurred(image))[..., CORE.rows, CORE.columns]
    torch.testing.assert_close(buffers.part("twice", CORE), expected)


def test_uniform_tiles_are_wrong_only_outside_the_core():
    image = torch.rand(1, 1, 40, 41)
    buffers = buffers_for(image, uniform=True)

    buffers.compute(Step(blurred, (IMAGE,), ("once",), radius=1), 1)
    buffers.compute(Step(blurred, ("once",), ("twice",), radius=1), 0)

    assert buffers.part("twice", READ).shape == (1, 1, *READ.size)
    expected = blurred(blurred(image))[..., CORE.rows, CORE.columns]
    torch.testing.assert_close(buffers.part("twice", CORE), expected)


def test_moments_are_those_of_the_core():
    image = torch.rand(1, 1, 40, 41)
    buffers = buffers_for(image)
    buffers.compute(Step(torch.neg, (IMAGE,), ("minus",)), 2)

    count, mean, deviations = buffers.moments("minus", CORE)

    expected = plane_moments(-image[..., CORE.rows, CORE.columns])
    assert count == 144
    torch.testing.assert_close((mean, deviations), expected)


def test_moments_of_a_step_are_used_if_they_are_those_of_the_core():
    buffers = buffers_for(torch.rand(1, 1, 40, 41))
    moments = torch.tensor(3.0), torch.tensor(5.0)
    step = Step(lambda x: (x, *moments), (IMAGE,), ("same",), moments=True)

    buffers.compute(step, 0)

    assert buffers.moments("same", CORE) == (144, *moments)


def context(image, *, float32=True):
    height, width = image.shape[-2:]
    features = FeatureStore(height, width, budget=2**20, channels_last=False)
    features.make("x", 1, 1, torch.float32)

    def read(rows, columns):
        return image[..., rows, columns]

    plane = SimpleNamespace(read=read)
    return StageContext(None, (), plane, torch.device("cpu"), features, float32=float32)


def test_a_border_is_removed_only_at_inner_edges():
    part = Region(slice(0, 20), slice(10, 30))

    assert part.shrunk(4, 50, 30) == Region(slice(0, 16), slice(14, 30))


def test_slices_in_another_region_start_at_its_corner():
    inner, outer = Region(slice(12, 20), slice(16, 30)), Region(slice(10, 24), slice(10, 30))

    assert inner.slices_in(outer, 2) == (slice(4, 20), slice(12, 40))
    assert inner.is_inside(outer)
    assert not outer.is_inside(inner)
    assert inner.size == (8, 14)


def test_parts_come_from_the_image_or_from_stored_planes():
    image = torch.arange(30.0).reshape(1, 1, 5, 6)
    held, part = context(image), Region(slice(1, 3), slice(2, 6))

    held.keep("x", part, -image[..., 1:3, 2:6])

    torch.testing.assert_close(held.part("x", part), -held.part(IMAGE, part))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_planes_in_half_precision_that_are_not_finite_are_not_stored(wrong):
    held = context(torch.zeros(1, 1, 5, 6), float32=False)
    values = torch.tensor([[[[0.0, wrong]]]])

    with pytest.raises(UntrustedError, match=r"x has NaN or infinity in slice\(0, 1"):
        held.keep("x", Region(slice(0, 1), slice(0, 2)), values)

    assert held.features.bands == 0
