"""Captures are made in the right order; after a failed capture, no more are made."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from napari_sr.engine.execution.recording import CudaRecorder

DEVICE = torch.device("cuda", 0)


@pytest.fixture
def no_failure():
    """After the test, forget that a capture failed in this process."""
    yield
    CudaRecorder.failed = False


@pytest.mark.usefixtures("no_failure")
def test_after_one_failed_capture_no_recorder_of_the_process_accepts_anything():
    first, second = CudaRecorder(), CudaRecorder()
    assert second.accepts({DEVICE})

    first.disable()

    assert not second.accepts({DEVICE})


def test_one_cuda_device_is_accepted():
    recorder = CudaRecorder()

    assert not recorder.accepts(set())
    assert not recorder.accepts({torch.device("cpu")})
    assert not recorder.accepts({DEVICE, torch.device("cuda", 1)})


class FakeCuda:
    """Records the order of calls to `torch.cuda`."""

    def __init__(self, monkeypatch):
        self.events = []
        fakes = {
            "CUDAGraph": lambda: FakeGraph(self.events),
            "Stream": lambda: "side",
            "current_stream": lambda: "usual",
            "device": lambda device: self.context(f"on {device}"),
            "stream": lambda stream: self.context(f"stream {stream}"),
            "graph": self.graph,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)

    @contextmanager
    def context(self, name):
        self.events.append(name)
        try:
            yield
        finally:
            self.events.append(f"end of {name}")

    def graph(self, graph, pool, stream, capture_error_mode):
        return self.context(f"capture into {pool} on {stream}, {capture_error_mode}")


class FakeGraph:
    def __init__(self, events):
        self.events = events

    def pool(self):
        return "pool"

    def replay(self):
        self.events.append("replay")


def test_cuda_captures_on_one_side_stream_into_one_pool(monkeypatch):
    cuda, recorder, device = FakeCuda(monkeypatch), CudaRecorder(), DEVICE

    first = recorder.record(lambda: ("results",), device, None)
    recorder.record(lambda: ("others",), device, first)
    first.replay()

    def captured(pool):
        capture = f"capture into {pool} on side, thread_local"
        begun = ["on cuda:0", "stream usual", capture]
        return [*begun, *(f"end of {event}" for event in reversed(begun))]

    assert cuda.events == [*captured(None), *captured("pool"), "replay"]
    assert first.results == ("results",)


def test_a_failed_capture_returns_to_the_stream_that_was_current(monkeypatch):
    cuda = FakeCuda(monkeypatch)

    with pytest.raises(ZeroDivisionError):
        CudaRecorder().record(lambda: 1 / 0, DEVICE, None)

    assert cuda.events[-2:] == ["end of stream usual", "end of on cuda:0"]
