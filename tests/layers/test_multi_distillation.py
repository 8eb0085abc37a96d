"""IMDN's blocks against their definition."""

from __future__ import annotations

import pytest
import torch
from pieces import run_in_pieces
from torch import nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT
from napari_sr.layers.multi_distillation import Block, SplitDistillation


def convolve(x, layer):
    return functional.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)


def split_by_hand(x, layers):
    parts = []
    for layer in layers.refine:
        wide = functional.leaky_relu(convolve(x, layer), 0.1)
        parts.append(wide[:, :2])
        x = wide[:, 2:]
    return torch.cat([*parts, convolve(x, layers.last)], 1)


@pytest.fixture
def image():
    return torch.rand(2, 8, 9, 11, dtype=torch.float64)


@torch.no_grad()
def test_a_quarter_of_the_channels_is_left_behind_by_each_convolution(image):
    layers = SplitDistillation(features=8, activation=nn.LeakyReLU(0.1)).double()

    result = layers(image)

    torch.testing.assert_close(result, split_by_hand(image, layers), rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_block_is_distilled_gated_mixed_and_added_back_whole_and_in_pieces(image):
    block = Block(features=8, reduction=4, activation=nn.LeakyReLU(0.1)).double()
    parts = split_by_hand(image, block.front)
    contrast = parts.mean((2, 3), True) + parts.var((2, 3), correction=0, keepdim=True).sqrt()
    gate = convolve(convolve(contrast, block.channel.squeeze).relu(), block.channel.excite)
    expected = convolve(parts * gate.sigmoid(), block.fuse) + image

    pieces = run_in_pieces(tuple(block.chain(IMAGE, RESULT)), image, 5)

    torch.testing.assert_close(pieces, expected, rtol=0, atol=1e-12)
