"""The buffers that a captured call reads and writes."""

from __future__ import annotations

import gc

import torch
from fake_recorder import FakeRecorder

from napari_sr.engine.execution.captured_call import BoundCall, Buffers, CapturedCall, kind_of


def test_calls_of_one_kind_share_buffers_but_one_call_has_two():
    buffers, ones = Buffers(), torch.ones(2, 3)

    first = buffers.like("inputs", (ones, ones))
    second = buffers.like("inputs", (ones, torch.ones(2, 4)))

    assert first[0] is not first[1]
    assert second[0] is first[0]
    assert buffers.like("results", (ones,))[0] is not first[0]


def test_buffers_live_as_long_as_they_are_referenced():
    buffers = Buffers()
    held = buffers.like("inputs", (torch.ones(2, 3),))
    assert buffers.bytes == 24

    del held
    gc.collect()

    assert buffers.bytes == 0


def test_a_captured_call_computes_from_new_inputs_and_copies_a_result_once():
    buffers, x = Buffers(), torch.tensor([1.0, 2.0])

    def twice(tensor):
        result = tensor + 1
        return result, result

    call = BoundCall(twice, buffers.like("inputs", (x,)), buffers.like("results", (x, x)))
    captured = CapturedCall(FakeRecorder(), call, (x,), None)

    first, second = captured.run((x * 10,))

    assert first is second
    assert first.tolist() == [11, 21]
    assert captured.run((x,), borrowed=True)[0].tolist() == [2, 3]
    assert first.tolist() == [11, 21]


def test_tensors_of_other_strides_are_of_another_kind():
    assert kind_of(torch.ones(3, 3)) != kind_of(torch.ones(3, 3).T[::1, ::2])
