"""ONNX Runtime's own settings; `test_compilers` tests the interface of all compilers."""

from __future__ import annotations

import threading

import pytest
import torch

from napari_sr.engine.backends import onnxruntime as engine

pytestmark = pytest.mark.skipif(not engine.version(), reason="needs ONNX Runtime")


def test_there_are_as_many_threads_as_pytorch_has_and_none_spins(tmp_path, monkeypatch):
    engine.convert(lambda x: (x * 2,), (torch.rand(1, 1, 4, 4),), tmp_path / "one")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)

    model = engine.load(tmp_path / "one", "float32", None)

    options = model._session.get_session_options()
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_computation_that_is_given_up_ends_and_leaves_no_thread():
    class Session:
        def get_inputs(self):
            return []

        def run(self, outputs, inputs, options):
            while not options.terminate:
                started.set()
            ended.set()
            return []

    started, ended, before = threading.Event(), threading.Event(), set(threading.enumerate())
    steps = engine.Loaded(Session()).steps([], 1.0)
    next(steps)
    started.wait(10)

    steps.close()

    assert ended.is_set()
    assert set(threading.enumerate()) <= before


def test_without_onnx_it_cannot_be_used(monkeypatch):
    def version_of(name):
        if name == "onnx":
            raise engine.PackageNotFoundError
        return "1.32"

    monkeypatch.setattr(engine, "version_of", version_of)

    assert engine.version.__wrapped__() == ""
