"""Weights of 1x1 convolutions as matrix products take them."""

from __future__ import annotations

import pytest
import torch

from sr_kernels._matrix import (
    channels_last,
    dot_type,
    in_rows,
    laid_out,
    load_vector,
    load_weight,
    padded,
)
from sr_kernels._triton import tl, triton


@triton.jit
def _kernel(weight_ptr, vector_ptr, y_ptr, STRIDE: tl.constexpr):
    source, output = tl.arange(0, 16), tl.arange(0, 16)
    weight = load_weight(weight_ptr, source, output, 3, 5, STRIDE, tl.float32)
    weight += load_vector(vector_ptr, output, 5)
    tl.store(y_ptr + source[:, None] * 16 + output[None, :], weight)


def test_a_part_of_a_weight_is_transposed_and_filled_up(device):
    weight, vector = torch.rand(5, 9, 1, 1, device=device), torch.rand(5, device=device)
    y = torch.empty(16, 16, device=device)

    _kernel[(1,)](weight[:, 3:], vector, y, STRIDE=9)

    assert torch.equal(y[:3, :5], weight[:, 3:6, 0, 0].T + vector)
    assert torch.equal(y[3:, :5], vector.expand(13, 5))
    assert not y[:, 5:].any()


@pytest.mark.parametrize(("channels", "wide"), [(1, 16), (16, 16), (25, 32), (64, 64), (65, 128)])
def test_channels_are_filled_up_to_what_a_matrix_product_takes(channels, wide):
    assert padded(channels) == wide


def test_matrices_are_multiplied_in_the_planes_own_dtype():
    assert dot_type(torch.float16) == tl.float16
    assert dot_type(torch.float32) == tl.float32


def test_channels_lie_next_to_each_other():
    assert channels_last(torch.zeros(2, 3, 4, 5)).stride() == (60, 1, 15, 3)


def test_a_part_of_a_weight_s_inputs_is_no_copy():
    weight = torch.rand(5, 9, 1, 1)

    assert in_rows(weight[:, 3:]).data_ptr() == weight[:, 3:].data_ptr()
    assert in_rows(weight.transpose(0, 1)).stride(1) == 1


def test_a_weight_is_laid_out_by_inputs_and_a_vector_stays():
    weight, vector = torch.zeros(4, 3, 3, 3), torch.zeros(8)[::2]

    assert laid_out(weight).stride() == (27, 1, 9, 3)
    assert laid_out(vector).is_contiguous()
    assert laid_out(None) is None
