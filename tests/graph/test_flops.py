"""Floating-point operations, compared with torch's counter."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from napari_sr import models
from napari_sr.engine.planning.memory import meta_copy
from napari_sr.graph.flops import _FLOPS, RARE, FlopCounter
from napari_sr.layers.colour import enlarge
from sr_kernels import use_kernels


def counted_by_torch(compute):
    with torch.inference_mode(), use_kernels("reference"), FlopCounterMode(display=False) as torchs:
        compute()
    return torchs.get_total_flops()


def counted(compute):
    with torch.inference_mode(), use_kernels("reference"), FlopCounter() as ours:
        compute()
    return ours.total


@pytest.mark.parametrize("name", models.names())
def test_counts_of_every_network_equal_those_of_torch(example, name):
    network = meta_copy(example(name))
    for channels in (1, 3, 4):
        image = torch.empty(2, channels, 48, 56, device="meta")

        found = counted(lambda image=image: enlarge(network, image))

        assert found == counted_by_torch(lambda image=image: enlarge(network, image))


def meta(*shape):
    return torch.empty(shape, device="meta")


@pytest.mark.parametrize(
    "compute",
    [
        lambda: meta(5, 6) @ meta(6, 7),
        lambda: meta(3, 5, 6) @ meta(3, 6, 7),
        lambda: torch.baddbmm(meta(3, 5, 7), meta(3, 5, 6), meta(3, 6, 7)),
        lambda: functional.linear(meta(2, 5, 6), meta(7, 6), meta(7)),
        lambda: torch.einsum("nchw,hk->nckw", meta(1, 3, 8, 9), meta(8, 4)),
        lambda: functional.conv2d(meta(2, 4, 9, 8), meta(6, 2, 3, 5), padding=1, groups=2),
        lambda: functional.conv2d(meta(2, 4, 9, 8), meta(6, 4, 3, 3), padding="same"),
        lambda: functional.conv_transpose2d(meta(2, 4, 9, 8), meta(4, 3, 4, 4), stride=2),
        lambda: functional.conv1d(meta(2, 4, 9), meta(6, 4, 3)),
        lambda: functional.conv3d(meta(2, 4, 9, 8, 7), meta(6, 4, 3, 3, 3)),
        lambda: functional.scaled_dot_product_attention(*3 * (meta(1, 2, 16, 8),)),
        lambda: torch.ops.aten._scaled_dot_product_flash_attention(*3 * (meta(1, 2, 16, 8),)),
    ],
)
def test_counts_of_single_operations_equal_those_of_torch(compute):
    assert counted(compute) == counted_by_torch(compute) > 0


def test_torch_counts_no_operation_that_is_passed_over_here():
    counts = [packet for packet in flop_registry if hasattr(packet, "overloads")]

    missed = [
        str(packet)
        for packet in counts
        if packet not in _FLOPS and not any(part in str(packet) for part in RARE)
    ]
    assert len(counts) > 10
    assert missed == []
