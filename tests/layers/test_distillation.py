"""The trunk that five networks share, and its options, read off tensors."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from pieces import run_in_pieces
from torch import nn

from napari_sr.graph.chain import IMAGE, RESULT, Step
from napari_sr.graph.run import run
from napari_sr.layers.attention import ContrastGate
from napari_sr.layers.blocks import Activated3x3, conv1x1
from napari_sr.layers.distillation import DistillationNetwork, reduction_of, trunk_options
from napari_sr.layers.distillation_block import Block, Distillation


class Scaling(nn.Module):
    """The simplest block: a 1x1."""

    def __init__(self):
        super().__init__()
        self.mix = conv1x1(4, 4)

    def chain(self, x, y):
        yield Step(self.mix, (x,), (y,))


def network(blocks=3):
    torch.manual_seed(0)
    return DistillationNetwork(
        scale=2,
        channels=1,
        input_range=10.0,
        features=4,
        blocks=(Scaling() for _ in range(blocks)),
        convolution=Activated3x3,
        activation=nn.LeakyReLU(0.3),
    ).double()


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_fusion_block_by_block_is_the_1x1_over_all_of_them(blocks):
    net = network(blocks)
    image = torch.rand(1, 1, 6, 5, dtype=torch.float64)
    shallow = net.head(image * 10)
    outputs = [shallow]
    for block in net.blocks:
        outputs.append(block.mix(outputs[-1]))
    fused = nn.functional.leaky_relu(net.fuse(torch.cat(outputs[1:], dim=1)), 0.3)
    deep = net.merge(fused) + shallow
    tail = nn.functional.conv2d(deep, net.tail.weight, net.tail.bias, padding=1)
    expected = torch.pixel_shuffle(tail, 2) / 10

    result = net(image)

    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def gated_network(blocks):
    torch.manual_seed(0)
    convolution = partial(Activated3x3, activation=nn.ReLU())
    return DistillationNetwork(
        scale=2,
        channels=1,
        input_range=1.0,
        features=4,
        blocks=(
            Block(
                Distillation(features=4, convolution=convolution, activation=nn.ReLU()),
                channel=ContrastGate(features=4, reduction=2),
            )
            for _ in range(blocks)
        ),
        convolution=Activated3x3,
        activation=nn.LeakyReLU(0.3),
    ).double()


@pytest.mark.parametrize("blocks", [2, 3, 4])
def test_blocks_that_end_in_a_gate_are_fused_as_others_are(blocks):
    net = gated_network(blocks)
    image = torch.rand(1, 1, 16, 17, dtype=torch.float64)
    outputs = [net.head(image)]
    for block in net.blocks:
        outputs.append(run(tuple(block.chain(IMAGE, RESULT)), outputs[-1]))
    fused = nn.functional.leaky_relu(net.fuse(torch.cat(outputs[1:], dim=1)), 0.3)
    expected = net.tail(net.merge(fused, outputs[0]))

    result, pieces = net(image), run_in_pieces(net.chain(), image, 9)

    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(pieces, expected, rtol=0, atol=1e-12)


def test_trunk_is_read_off_its_tensors():
    state = network().state_dict()

    options = trunk_options(state, "head.weight")

    assert options == {"scale": 2, "channels": 1, "features": 4, "blocks": 3}


def test_other_tensors_have_no_trunk():
    state = network().state_dict()

    assert trunk_options({}, "head.weight") is None
    assert trunk_options({**state, "tail.weight": torch.zeros(5, 4, 3, 3)}, "head.weight") is None
    assert trunk_options({**state, "head.weight": torch.zeros(4)}, "head.weight") is None


def test_reduction_is_read_off_the_first_gate():
    key = "blocks.0.channel.squeeze.weight"

    assert reduction_of({key: torch.zeros(4, 64, 1, 1)}) == 16
    assert reduction_of({key: torch.zeros(8, 4, 1, 1)}) is None
    assert reduction_of({}) is None
