"""OpenVINO reads, gates and writes stored planes with channels last, without rearranging them."""

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

    assert steps(other, "Transpose") == 2
    assert steps(model, "Transpose") == 0
    for found, expected in zip(model.start()(planes), block(*planes), strict=True):
        torch.testing.assert_close(found, expected)


def test_planes_that_no_gate_multiplies_are_read_as_they_are(planes, tmp_path):
    kernel = torch.randn(16, 16, 3, 3)

    def compute(x, skip, gate):
        return torch.relu(torch.conv2d(x, kernel, padding=1) + skip), torch.relu(gate)

    model = loaded(compute, planes, tmp_path)

    assert steps(model, "Convolution") == 1
    assert steps(model, "GroupConvolution") == 0


def stage(planes):
    """Return a stage of two results that OpenVINO would transpose: a sum, and a plane of it."""
    torch.manual_seed(1)
    one, other = torch.randn(2, 16, 16, 1, 1) / 4
    per_channel, squeezing = torch.randn(16, 1, 3, 3), torch.randn(4, 16, 1, 1)

    def compute(refined, skip, *_):
        total = torch.conv2d(refined, one, torch.ones(16)) + skip
        mixed = torch.conv2d(total, other)
        found = torch.conv2d(mixed, per_channel, padding=1, groups=16) + mixed + total
        return total, found, torch.conv2d(found, squeezing)

    return compute


def test_a_sum_that_is_a_result_is_written_as_it_is(planes, tmp_path, monkeypatch):
    model = loaded(stage(planes), planes, tmp_path)
    monkeypatch.setattr(engine, "with_results_as_they_are", lambda model, compiled: model)
    other = loaded(stage(planes), planes, tmp_path)

    assert steps(other, "Transpose") == 1
    assert steps(model, "Transpose") == 0
    for found, expected in zip(model.start()(planes), stage(planes)(*planes), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_sum_that_openvino_writes_as_it_is_gets_no_convolution(planes, tmp_path):
    weights = torch.randn(16, 16, 1, 1)

    model = loaded(
        lambda x, skip: (torch.relu(torch.conv2d(x, weights)) + skip,), planes[:2], tmp_path
    )

    assert steps(model, "GroupConvolution") == steps(model, "Transpose") == 0
    assert steps(model, "Convolution") == 1
