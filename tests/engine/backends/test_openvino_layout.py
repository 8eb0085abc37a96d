"""OpenVINO computes gated sums of stored planes with channels last, without rearranging them."""

from __future__ import annotations

import pytest
import torch

from napari_sr.engine.backends import openvino as engine

pytestmark = pytest.mark.skipif(not engine.version(), reason="needs OpenVINO")


@pytest.fixture
def planes():
    """Return two planes of 16 channels, and a gate for the channels of the first one."""
    torch.manual_seed(0)
    shapes = (1, 16, 40, 50), (1, 16, 40, 50), (1, 16, 1, 1)
    return [torch.randn(shape).contiguous(memory_format=torch.channels_last) for shape in shapes]


@pytest.fixture
def block():
    """Return the end of a block: its first plane, gated by pixel and channel, plus the second."""
    weights = torch.randn(2, 16, 16, 1, 1) / 4

    def compute(x, skip, gate):
        gated = x * torch.sigmoid(torch.conv2d(x, weights[0])) * gate + skip
        return gated, torch.relu(torch.conv2d(gated, weights[1]))

    return compute


def loaded(function, planes, folder):
    engine.convert(function, planes, folder / "a")
    return engine.load(folder / "a", "float32", None)


def steps(model, kind):
    """Return the number of operations of a kind that the compiled model executes."""
    nodes = model._compiled.get_runtime_model().get_ops()
    return sum(node.get_rt_info()["layerType"].astype(str) == kind for node in nodes)


def test_gated_planes_are_not_rearranged(block, planes, tmp_path, monkeypatch):
    model = loaded(block, planes, tmp_path)
    monkeypatch.setattr(engine, "with_channels_last", lambda model: model)
    other = loaded(block, planes, tmp_path)

    # an output may still be rearranged, but no input
    assert steps(other, "Transpose") == 3
    assert steps(model, "Transpose") <= 1
    for found, expected in zip(model.start()(planes), block(*planes), strict=True):
        torch.testing.assert_close(found, expected)


def test_planes_that_no_gate_multiplies_are_read_as_they_are(planes, tmp_path):
    kernel = torch.randn(16, 16, 3, 3)

    def compute(x, skip, gate):
        return torch.conv2d(x, kernel, padding=1) + skip, torch.relu(gate)

    model = loaded(compute, planes, tmp_path)

    assert steps(model, "Convolution") == 1
    assert steps(model, "GroupConvolution") == 0
