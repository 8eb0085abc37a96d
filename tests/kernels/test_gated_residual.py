"""What `gated_residual` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from sr_kernels import launched
from sr_kernels.gated_residual import BLOCK, gated_residual

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture
def pair(device, dtype):
    """A block's output and its input, of two images."""
    torch.manual_seed(0)
    return torch.randn(2, 2, 12, 5, 7).to(device, dtype).unbind()


def test_a_closed_gate_leaves_the_residual(pair):
    x, residual = pair

    result = gated_residual(x, torch.zeros_like(x[:, :, :1, :1]), residual)

    assert torch.equal(result, residual)
    assert launched() == {"gated_residual": 1}


def test_an_open_gate_without_residual_leaves_the_input(pair):
    x, _ = pair

    result = gated_residual(x, torch.ones_like(x[:, :, :1, :1]))

    assert torch.equal(result, x)


def test_every_channel_of_every_image_has_its_own_gate(device):
    images, channels, pixels = 3, 10, BLOCK // 8
    gate = torch.arange(images * channels, device=device).reshape(images, channels, 1, 1).half()

    result = gated_residual(gate.new_ones(images, channels, 1, pixels), gate)

    assert torch.equal(result, gate.expand_as(result))


def test_the_result_is_channels_last(pair):
    x, residual = pair

    result = gated_residual(x, x[:, :, :1, :1], residual)

    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("gate", "residual"),
    [((2, 12), (2, 12, 5, 7)), ((1, 12, 1, 1), (2, 12, 5, 7)), ((2, 12, 1, 1), (2, 12, 7, 5))],
    ids=str,
)
def test_an_error_names_the_shapes(pair, gate, residual):
    x, _ = pair

    with pytest.raises(ValueError, match="gated_residual") as caught:
        gated_residual(x, x.new_ones(gate), x.new_ones(residual))

    assert all(str(shape) in str(caught.value) for shape in [(2, 12, 5, 7), gate, residual])
