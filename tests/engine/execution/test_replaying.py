"""Parts of a stage that a CUDA graph replays for every tile."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import torch
from fake_recorder import CPU, FakeRecorder
from stages import example, stages_of

from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.execution.replaying import _with_kernels, replay, segments_of
from napari_sr.engine.execution.tile import StageContext, TileBuffers
from napari_sr.engine.planning.segments import cut
from napari_sr.engine.planning.stage_plan import Stage
from napari_sr.engine.planning.tile_grid import TileGrid
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.chain import IMAGE, RESULT, Step, outputs_of, with_one_writer_each
from napari_sr.layers.colour import chain_for
from napari_sr.runs.run import drive
from sr_kernels import chosen


def work_for(plan, graphs):
    features = FeatureStore(8, 8, budget=0, channels_last=False)
    return StageContext(plan, plan.chain, None, CPU, features, float32=True, backend=graphs)


def test_large_tiles_run_without_graphs():
    plan = stages_of(example("bsrn"), 40, 90)

    def segments(pixels):
        graphs = Graphs(pixels=pixels, recorder=FakeRecorder())
        return segments_of(work_for(plan, graphs), plan.all[0])

    pixels = math.prod(plan.grid.size(plan.all[0].halo))
    assert segments(pixels) is not None
    assert segments(pixels - 1) is None


def test_a_stage_with_much_extra_arithmetic_runs_without_graphs():
    plan = stages_of(example("edsr"), 40, 100, flops_per_byte=1e9)
    (stage,) = plan.all
    context = work_for(plan, Graphs(recorder=FakeRecorder()))

    assert plan.extra(stage) > 1.1
    assert segments_of(context, stage) is None


def test_there_are_no_segments_on_a_device_without_capture():
    plan = stages_of(example("bsrn"), 40, 90)

    assert segments_of(work_for(plan, None), plan.all[0]) is None
    assert segments_of(work_for(plan, Graphs()), plan.all[0]) is None


def test_a_stage_of_placed_steps_only_has_no_segments():
    plan = stages_of(example("bsrn"), 40, 90)
    context = work_for(plan, Graphs(recorder=FakeRecorder()))
    gathering = [stage for stage in plan.all if len(stage.steps) == 1 and not stage.keeps]

    assert gathering
    assert all(segments_of(context, stage) is None for stage in gathering)


def test_a_segment_with_other_outputs_has_graphs_of_its_own():
    network, image = example("bsrn"), torch.rand(1, 3, 40, 40)
    plan = stages_of(network, 40, 90)
    whole = next(each for each in cut(plan.chain, plan.all[0]) if each.repeatable)
    made = [name for index in whole.indices for name in outputs_of(plan.chain[index])]
    graphs, part = Graphs(recorder=FakeRecorder()), Region(slice(0, 40), slice(0, 40))
    context = replace(
        work_for(plan, graphs),
        chain=with_one_writer_each(chain_for(network, 3)),
        plane=SimpleNamespace(read=lambda rows, columns: image),
    )

    def plane(name):
        buffers = TileBuffers(context, part, 0, uniform=True)
        drive(replay(context, buffers, [replace(whole, outputs=(name,))]))
        return buffers.part(name, part).clone()

    with torch.inference_mode():
        for name in (made[1], made[-1]):
            plain, *replayed = (plane(name) for _ in range(3))
            assert all(torch.equal(each, plain) for each in replayed)

    assert graphs.tally == {"captured": 2, "replayed": 4, "refused": 0}


def test_kernels_are_not_chosen_between_two_steps():
    seen = []

    def steps():
        seen.append(chosen())
        yield 0.5
        seen.append(chosen())
        return (torch.ones(1),)

    own = chosen()
    walk = _with_kernels("reference", steps(), 2, 4)

    assert next(walk) == 2.5 / 4  # of all segments
    assert chosen() == own
    assert drive(walk) == (torch.ones(1),)
    assert seen == ["reference", "reference"]


def test_a_plane_stays_as_it_is_while_later_segments_are_repeated():
    chain = with_one_writer_each(
        (
            Step(lambda x: x + 1, (IMAGE,), ("a",)),
            Step(lambda a, window: a * 2, ("a",), ("b",), placed=True),
            Step(lambda a, b: a * 10 + b, ("a", "b"), (RESULT,)),
        )
    )
    stage = Stage(tuple((index, 0) for index in range(3)), None, (IMAGE,), (RESULT,), 0)
    segments = cut(chain, stage)
    planes = dict.fromkeys([IMAGE, *(name for link in chain for name in link.writes)])
    profile = SimpleNamespace(planes=dict.fromkeys(planes, SimpleNamespace(scale=1)))
    stages = SimpleNamespace(grid=TileGrid(4, 4, 4, 1), profile=profile)
    region = Region(slice(0, 4), slice(0, 4))
    graphs = Graphs(recorder=FakeRecorder())

    for value in (1.0, 2.0, 3.0, 4.0):
        image = torch.full((1, 1, 4, 4), value)
        plane = SimpleNamespace(read=lambda rows, columns, image=image: image)
        context = StageContext(stages, chain, plane, CPU, None, float32=True, backend=graphs)
        buffers = TileBuffers(context, region, 0, uniform=True)
        with torch.inference_mode():
            drive(replay(context, buffers, segments))

            assert (buffers.part(RESULT, region) == 12 * (value + 1)).all()

    assert len(segments) == 3
    assert graphs.tally["replayed"] == 6
