"""Blocks with attention that has no weights, and their fusion."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_sr.graph.chain import IMAGE, RESULT, receptive_field
from napari_sr.graph.run import run
from napari_sr.layers.span_group import Block, Group


@pytest.fixture
def image():
    torch.manual_seed(0)
    return torch.rand(2, 4, 6, 7)


def group_of(blocks):
    torch.manual_seed(1)
    return Group(features=4, blocks=blocks, activation=nn.SiLU()).eval()


def test_the_attention_of_zero_closes_a_block(image):
    block = Block(features=4, activation=nn.SiLU())
    nn.init.zeros_(block.third.weight)
    nn.init.zeros_(block.third.bias)

    # the sigmoid of 0 is a half, which is subtracted
    assert torch.equal(block(image), torch.zeros_like(image))


def test_the_inner_features_are_activated(image):
    block = Block(features=4, activation=nn.ReLU())

    _, inner = block.both(image)

    assert torch.equal(inner, block.first(image).relu())
    assert inner.min() == 0


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_group_fuses_input_last_first_and_inner_features(blocks, image):
    group = group_of(blocks)
    x, results = image, []
    for block in group.blocks:
        x, inner = block.both(x)
        results.append(x)
    planes = (image, group.merge(x), results[0], inner)

    result = run(group.links(IMAGE, RESULT), image)

    torch.testing.assert_close(result, group.fuse(torch.cat(planes, dim=1)), rtol=0, atol=0)


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_group_looks_three_pixels_for_each_block_and_one_for_the_fusion(blocks):
    assert receptive_field(group_of(blocks).links(IMAGE, RESULT)) == 3 * blocks + 1
