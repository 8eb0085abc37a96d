"""Parts of a stage that an engine repeats for every tile."""

from __future__ import annotations

import pytest
import torch
from fake_recorder import Copies
from fakes import finish
from stages import example, stages_of

from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.segments import Segment, cut, function_of, in_steps, localised
from napari_sr.engine.planning.stage_plan import Stage
from napari_sr.graph.chain import (
    IMAGE,
    RESULT,
    ChunkedAttention,
    PooledGrid,
    Step,
    Window,
    with_one_writer_each,
)
from napari_sr.graph.run import attend, compute
from napari_sr.layers.colour import chain_for
from napari_sr.models import names


def test_a_step_that_depends_on_its_position_ends_a_segment():
    chain = (
        Step(torch.neg, (IMAGE,), ("a",)),
        Step(torch.abs, ("a",), ("b",)),
        Step(lambda a, b, window: a, ("a", "b"), ("c",), placed=True),
        Step(torch.add, ("c", "a"), ("d",), uses=("gate",)),
        Step(torch.neg, ("d",), (RESULT,)),
    )
    stage = Stage(tuple((index, 0) for index in range(5)), None, (IMAGE,), (RESULT,), 0)

    assert cut(chain, stage) == (
        Segment((0, 1), True, (IMAGE,), ("a", "b")),
        Segment((2,), False, ("a", "b"), ("c",)),
        Segment((3, 4), True, ("c", "a", "gate"), (RESULT,)),
    )


def test_a_plane_that_a_stage_gathers_is_an_output_of_its_segment():
    plan = stages_of(example("imdn"), 64, 200)

    (segment,) = cut(plan.chain, plan.all[0])

    assert plan.chain[plan.all[0].gather].reads in segment.outputs


def test_a_step_whose_values_can_be_localised_is_repeated_where_the_engine_wants_it():
    chain = (
        Step(torch.neg, (IMAGE,), ("a",)),
        Step(max, ("a",), ("b",), uses=("low",), placed=True, localise=max, moments=True),
        Step(lambda b, window: b, ("b",), ("c",), placed=True),
        Step(torch.neg, ("c",), (RESULT,)),
    )
    stage = Stage(tuple((index, 0) for index in range(4)), None, (IMAGE,), (RESULT,), 0)

    groups = [[segment.indices for segment in cut(chain, stage, localises=on)] for on in (0, 1)]

    assert groups == [[(0,), (1,), (2,), (3,)], [(0, 1), (2,), (3,)]]


@pytest.mark.parametrize("name", ["bsrn", "bsrn_s", "rfdn", "imdn"])
def test_a_piece_with_localised_values_is_the_piece_at_its_place(name):
    network = example(name)
    chain = with_one_writer_each(chain_for(network, 3))
    image = torch.rand(1, 3, 60, 70)
    window, part = Window(14, 9, 22, 31, 60, 70), (..., slice(14, 36), slice(9, 40))
    with torch.inference_mode():
        held = everything(chain, image)
        for index, link in enumerate(chain):
            if not isinstance(link, Step) or link.radius or link.scale != 1:
                continue
            segment = Segment((index,), True, (*link.reads, *link.uses), link.writes)
            values = {name: held[name][part] for name in link.reads}
            values |= {name: held[name] for name in link.uses}

            found = function_of(chain, segment)(*localised(chain, segment, values, window))

            expected, _ = compute(link, values, window)
            for one, name in zip(found, link.writes, strict=True):
                torch.testing.assert_close(one, expected[name], rtol=0, atol=1e-6)


def everything(chain, image):
    """Return all planes and values of a chain by name, without data."""
    buffers = {IMAGE: image}
    for link in chain:
        if isinstance(link, Step):
            buffers |= compute(link, buffers, Window.whole(*image.shape[-2:]))[0]
        elif isinstance(link, ChunkedAttention):
            buffers[link.writes] = attend(link, buffers)
        elif isinstance(link, PooledGrid):
            buffers[link.writes] = link.finish(link.compute(buffers[link.reads]))
        else:
            # any finite values: memory that nothing has filled may hold NaN
            statistic = buffers[link.reads].new_ones((1, buffers[link.reads].shape[1], 1, 1))
            buffers[link.writes] = link.finish(statistic, statistic, 48**2)
    return buffers


@pytest.mark.parametrize("name", names())
def test_no_segment_copies_anything_to_the_device(name):
    # the meta device stands for a GPU: a CUDA graph cannot capture a copy from the host
    network = example(name).to("meta")
    least = profile_of(network, 3, torch.float32).least_tile
    plan = stages_of(network, least + 8, 3 * least)
    chain = with_one_writer_each(chain_for(network, 3))
    with torch.inference_mode():
        buffers = everything(chain, torch.zeros(1, 3, 48, 48, device="meta"))
        segments = [segment for stage in plan.all for segment in cut(chain, stage)]
        assert any(segment.repeatable for segment in segments)
        with Copies() as copies:
            for segment in segments:
                if segment.repeatable:
                    given = [buffers[one] for one in segment.inputs]
                    results = function_of(chain, segment)(*given)
                    assert [x.shape for x in results] == [
                        buffers[one].shape for one in segment.outputs
                    ]

    assert copies.count == 0


def test_a_whole_chain_is_called_link_by_link_and_a_segment_at_once():
    chain = (
        Step(lambda x: x + 1, (IMAGE,), ("a",)),
        Step(lambda x: x * 2, ("a",), ("b",)),
        Step(lambda x: x - 3, ("b",), (RESULT,)),
    )
    whole = Segment((0, 1, 2), True, (IMAGE,), (RESULT,))
    first = Segment((0, 1), True, (IMAGE,), ("b",))
    image = torch.ones(1, 1, 2, 2)

    yields, results = finish(in_steps(function_of(chain, whole), (image,)))
    none, (part,) = finish(in_steps(function_of(chain, first), (image,)))

    assert yields == [0.99, 0.99]
    torch.testing.assert_close(results[0], image)
    assert none == []
    torch.testing.assert_close(part, 4 * image)
