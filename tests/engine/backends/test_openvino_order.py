"""OpenVINO adds up planes early, so that it keeps few of them."""

from __future__ import annotations

import pytest
import torch

from napari_sr.engine.backends import openvino as engine

pytestmark = pytest.mark.skipif(not engine.version(), reason="needs OpenVINO")

BLOCKS = 5


@pytest.fixture
def function():
    """Return blocks in series, whose outputs a 1x1 convolution each adds up from the last one."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randn(BLOCKS, 8, 8, 3, 3, generator=generator) / 9
    shares = torch.randn(BLOCKS, 8, 8, 1, 1, generator=generator)

    def compute(x):
        outputs = []
        for weight in blocks:
            x = torch.relu(torch.conv2d(x, weight, padding=1))
            outputs.append(x)
        total = torch.conv2d(x, shares[-1])
        for output, weight in zip(outputs[-2::-1], shares.flip(0)[1:], strict=True):
            total = total + torch.conv2d(output, weight)
        return (torch.relu(total), x)

    return compute


def most_planes(loaded, pixels):
    """Return the largest number of planes that an order of operations needs at once."""
    order = {
        node.get_friendly_name(): int(node.get_rt_info()["execOrder"].astype(str))
        for node in loaded._compiled.get_runtime_model().get_ops()
    }
    spans = []
    for node in loaded._compiled.get_runtime_model().get_ops():
        uses = [
            order[each.get_node().get_friendly_name()]
            for output in node.outputs()
            for each in output.get_target_inputs()
        ]
        if uses and node.output(0).get_shape()[-1] * node.output(0).get_shape()[-2] == pixels:
            spans.append((order[node.get_friendly_name()], max(uses)))
    return max(sum(first <= now <= last for first, last in spans) for now in order.values())


def test_a_block_is_added_before_the_next_ones_are_computed(function, tmp_path):
    x = torch.rand(1, 8, 16, 16).contiguous(memory_format=torch.channels_last)
    engine.convert(function, [x], tmp_path / "sum")

    loaded = engine.load(tmp_path / "sum", "float32", None)

    # without `with_early_sums`, all five outputs wait for the sum
    assert most_planes(loaded, 16 * 16) <= 4


def test_results_stay_the_same_and_no_result_is_added(function, tmp_path):
    x = torch.rand(1, 8, 16, 16).contiguous(memory_format=torch.channels_last)
    engine.convert(function, [x], tmp_path / "sum")

    found = engine.load(tmp_path / "sum", "float32", None).start()([x])

    torch.testing.assert_close(tuple(found), function(x), rtol=1e-5, atol=1e-5)
