"""OpenVINO as a compiler: what it writes, it computes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_sr.engine.backends import openvino as engine

pytestmark = pytest.mark.skipif(not engine.version(), reason="needs OpenVINO")


def test_a_function_comes_back_from_its_files(tmp_path):
    x, y = torch.rand(1, 2, 5, 7), torch.rand(1, 2, 5, 7)
    engine.convert(lambda x, y: (x + 2 * y, x - y), (x, y), tmp_path / "one")

    compute = engine.load(tmp_path / "one", "float32", None).start()
    total, difference = compute([x.numpy(), y.numpy()])

    np.testing.assert_allclose(total, x + 2 * y, rtol=1e-6)
    np.testing.assert_allclose(difference, x - y, rtol=1e-5, atol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {f"one{one}" for one in engine.SUFFIXES}


def test_nothing_is_reported_to_anyone(tmp_path):
    pytest.importorskip("openvino_telemetry")
    code = (
        "import sys, pathlib, torch; from napari_sr.engine.backends import openvino as engine\n"
        f"path = pathlib.Path({str(tmp_path / 'one')!r})\n"
        "engine.convert(lambda x: (x + 1,), (torch.ones(1, 1, 4, 4),), path)\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry')]\n"
        "import openvino_telemetry"
    )
    environment = os.environ | {"HOME": str(tmp_path)}

    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=environment)

    assert {path.name for path in tmp_path.iterdir()} == {f"one{one}" for one in engine.SUFFIXES}


def test_two_starts_have_results_of_their_own(tmp_path):
    x = torch.rand(1, 1, 4, 4)
    engine.convert(lambda x: (x * 2,), (x,), tmp_path / "one")
    model = engine.load(tmp_path / "one", "float32", None)
    first, second = model.start(), model.start()

    (kept,) = first([x.numpy()])
    second([-x.numpy()])

    np.testing.assert_array_equal(kept, 2 * x)


def test_precision_is_what_was_asked_for():
    hints = [engine.configuration(one)["INFERENCE_PRECISION_HINT"] for one in engine.PRECISIONS]

    assert hints == ["f32", "bf16"]


def test_there_are_as_many_threads_as_pytorch_has(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)

    assert engine.configuration()["INFERENCE_NUM_THREADS"] == "3"
