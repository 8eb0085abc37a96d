"""OpenVINO's own settings; what all compilers offer is tested in test_compilers."""

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
