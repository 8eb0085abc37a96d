"""OpenVINO's own settings; `test_compilers` tests the interface of all compilers."""

from __future__ import annotations

import pytest
import torch

from napari_sr.engine.backends import openvino as engine

pytestmark = pytest.mark.skipif(not engine.version(), reason="needs OpenVINO")


def test_precision_is_what_was_asked_for():
    hints = [engine.configuration(one)["INFERENCE_PRECISION_HINT"] for one in engine.PRECISIONS]

    assert hints == ["f32", "bf16"]


def test_there_are_as_many_threads_as_pytorch_has(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)

    assert engine.configuration()["INFERENCE_NUM_THREADS"] == "3"


def test_a_computation_that_is_given_up_is_cancelled_before_its_inputs_go():
    class Unfinished:
        outputs = ()

        def __init__(self):
            self.calls = []

        def create_infer_request(self):
            return self

        def start_async(self, arrays, share_inputs):
            self.calls.append("start")

        def wait_for(self, milliseconds):
            return False

        def cancel(self):
            self.calls.append("cancel")

        def wait(self):
            self.calls.append("wait")
            raise RuntimeError("Infer Request was canceled")

    request = Unfinished()
    steps = engine.Request(request).steps([torch.rand(1, 1, 4, 4)], 1.0)
    next(steps)

    steps.close()

    assert request.calls == ["start", "cancel", "wait"]


def test_a_plane_with_channels_last_is_handed_over_without_a_copy():
    plane = torch.rand(1, 6, 5, 7).contiguous(memory_format=torch.channels_last)

    handed = engine.channels_last(plane)

    assert handed.is_contiguous()
    assert handed.data_ptr() == plane.data_ptr()


def test_freed_results_stay_and_the_next_run_has_buffers_of_its_own(tmp_path):
    image = torch.rand(1, 3, 40, 50)
    engine.convert(lambda x: (torch.relu(2 * x - 1),), [image], tmp_path / "a")
    request = engine.load(tmp_path / "a", "float32", None).start()

    (first,) = request([image])
    request.free()
    (second,) = request([-image])

    torch.testing.assert_close(first, torch.relu(2 * image - 1))
    assert not second.any()
    (third,) = request([image])
    assert third.data_ptr() == second.data_ptr()
