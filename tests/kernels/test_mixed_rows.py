"""What a program takes of a 1x1, and what it sees of a row; `bsconv` tests what comes of it."""

from __future__ import annotations

import pytest
import torch

from sr_kernels._mixed_rows import PHASES, mix_around, part_of_outputs
from sr_kernels._triton import tl, triton


@pytest.mark.parametrize(
    ("outputs", "part"),
    [(3, 16), (16, 16), (24, 32), (32, 32), (48, 64), (50, 64), (64, 64), (100, 64)],
)
def test_few_output_channels_of_a_program_are_idle(outputs, part):
    assert part_of_outputs(outputs) == part


@triton.jit
def _kernel(x_ptr, weight_ptr, y_ptr, height, width, row, BLOCK: tl.constexpr, C: tl.constexpr):
    pair, channel = tl.arange(0, BLOCK), tl.arange(0, C)
    weight = tl.load(weight_ptr + channel[None, :] * C + channel[:, None])
    bias = tl.full((1, C), 1.0, tl.float32)
    one, two = mix_around(x_ptr, 0, row, pair * 2, height, width, weight, bias, C, C)
    at = pair[:, None] * C + channel[None, :]
    for index in tl.static_range(3):
        tl.store(y_ptr + index * BLOCK * C + at, one[index])
        tl.store(y_ptr + (3 + index) * BLOCK * C + at, two[index])


def test_two_columns_see_what_lies_around_each_and_nothing_outside(device):
    height, width, channels, block = 3, 7, 16, 4
    x = torch.randn(1, channels, height, width, device=device)
    weight = torch.randn(channels, channels, 1, 1, device=device)
    seen = torch.full((2, 3, block, channels), float("nan"), device=device)
    rows = x.contiguous(memory_format=torch.channels_last)

    _kernel[(1,)](rows, weight, seen, height, width, 1, BLOCK=block, C=channels)

    mixed = torch.nn.functional.conv2d(x, weight, torch.ones(channels, device=device))
    around = torch.nn.functional.pad(mixed[0, :, 1], (1, block * PHASES + 2 - width)).T
    for phase in range(PHASES):
        for index in range(3):
            expected = around[phase + index :][: block * PHASES : PHASES]
            torch.testing.assert_close(seen[phase, index], expected, atol=1e-4, rtol=1e-4)
