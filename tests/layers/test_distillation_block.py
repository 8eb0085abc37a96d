"""The block that RFDN and BSRN share, with and without each of its gates."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
import torch
from pieces import run_in_pieces
from torch import nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT
from napari_sr.graph.run import run
from napari_sr.layers.attention import ContrastGate, PooledConv, SpatialGate
from napari_sr.layers.blocks import Activated3x3, conv1x1
from napari_sr.layers.distillation_block import Block, Distillation


def front():
    torch.manual_seed(1)
    convolution = partial(Activated3x3, activation=nn.ReLU())
    return Distillation(features=6, convolution=convolution, activation=nn.LeakyReLU(0.3))


def test_distillation_is_its_definition():
    block = front().double()
    squeeze = conv1x1(6, 2).double()
    x = torch.rand(1, 6, 5, 5, dtype=torch.float64)

    def convolve(layer, x):
        return nn.functional.conv2d(x, layer.weight, layer.bias, padding=1)

    first = (convolve(block.refine[0], x) + x).relu()
    second = (convolve(block.refine[1], first) + first).relu()
    third = (convolve(block.refine[2], second) + second).relu()
    parts = [block.distil[0](x), block.distil[1](first), block.distil[2](second)]
    parts = [nn.functional.leaky_relu(part, 0.3) for part in parts]
    parts.append(convolve(block.last, third).relu())
    expected = block.fuse(torch.cat(parts, dim=1))

    refined, squeezed = block.refine_and_squeeze(x, squeeze)

    torch.testing.assert_close(refined, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(squeezed, squeeze(expected), rtol=0, atol=1e-12)
    assert torch.equal(block(x), refined)


def gated(block, x):
    """Compute a block from its parts, (1, 6, H, W)."""
    refined = block.front(x)
    if block.spatial is not None:
        inner = block.spatial.squeeze(refined)
        pooled = functional.max_pool2d(functional.conv2d(inner, *pool_of(block), stride=2), 7, 3)
        size = {"size": x.shape[2:], "mode": "bilinear", "align_corners": False}
        low = functional.interpolate(block.spatial.low(pooled), **size)
        gate = block.spatial.excite(low + block.spatial.skip(inner)).sigmoid()
        refined = refined * gate
    if block.channel is not None:
        mean = refined.mean((2, 3), True)
        contrast = mean + (refined - mean).square().mean((2, 3), True).sqrt()
        gate = block.channel.excite(block.channel.squeeze(contrast).relu()).sigmoid()
        refined = refined * gate
    return refined + x if block.skip else refined


def pool_of(block):
    return block.spatial.pool.weight, block.spatial.pool.bias


@pytest.mark.parametrize(("spatial", "channel", "skip"), product([True, False], repeat=3))
def test_block_gates_as_asked_for_whole_and_in_pieces(spatial, channel, skip):
    distillation = front()
    esa = SpatialGate(
        features=6, inner=2, pool=PooledConv(2), activated=Activated3x3, plain=Activated3x3
    )
    cca = ContrastGate(features=6, reduction=2)
    block = Block(
        distillation,
        spatial=esa if spatial else None,
        channel=cca if channel else None,
        skip=skip,
    ).double()
    x = torch.randn(1, 6, 22, 27, dtype=torch.float64)
    chain = tuple(block.chain(IMAGE, RESULT))

    with torch.no_grad():
        result, pieces = run(chain, x), run_in_pieces(chain, x, 10)
        expected = gated(block, x)

    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(pieces, expected, rtol=0, atol=1e-12)
    assert {key.split(".")[0] for key in block.state_dict()} == {
        "front", *["spatial"] * spatial, *["channel"] * channel
    }  # fmt: skip
