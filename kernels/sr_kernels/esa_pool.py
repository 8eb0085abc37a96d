"""A strided 3x3 convolution and max-pooling: the reduction in enhanced spatial attention.

cells = max_pool(strided(pointwise . squeezed) + bias)

where strided is a 3x3 convolution of stride 2, and max_pool is 7x7 with stride 3: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. Neither pads: cell (i, j) depends on 15 x 15 pixels, with the
upper left one at (6i, 6j). The 3x3 is dense, or depthwise after a 1x1: Li et al., 2022,
https://arxiv.org/abs/2205.05996; the kernel folds 1x1 and depthwise 3x3 into one dense 3x3.

Bytes, for p pixels, E features and e bytes per value: eager PyTorch reads pEe, moves pEe / 2 for
the strided plane, and pEe / 36 for the cells; with a 1x1, it moves 2pEe more. The kernel reads pEe
and writes the cells. At best, it is 1.5 times as fast, and 3.4 times with the 1x1.

A program computes a band of rows of cells from top to bottom. In a band, every strided row is
computed once. Every strided column is computed again for each cell that needs it, 7 / 3 times on
average, on matrix units that are otherwise idle. A band reads 9 rows and 9 columns of pixels that
other programs also read.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import larger
from sr_kernels._configuration import configuration
from sr_kernels._folded3x3 import load_mixing, load_taps_of_row
from sr_kernels._matrix import LEAST_DOT, channels_last, dot_type, laid_out, load_vector, padded
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._rows import rows_per_band
from sr_kernels._triton import cdiv, kernel_jit, tl, triton

PITCH, REACH = 6, 15
"""Along each axis: pixels from one cell to the next, and pixels that a cell depends on."""
VALUES = 1024
"""Number of strided values in one row of a program, over all features: 8 for each thread."""
WEIGHTS = 4096
"""Largest number of weights per tap in a program; the nine taps are in shared memory."""
WARPS = 4
STAGES = 1
"""With one stage, loads use the L1 cache, which keeps pixels that several cells need; asynchronous
copies would bypass it."""
MOST_ROWS = 8
"""Largest number of rows of cells in a band."""


def reference(
    squeezed: Tensor, weight: Tensor, bias: Tensor, pointwise: Tensor | None = None
) -> Tensor:
    """Compute `esa_pool` in plain PyTorch."""
    groups = 1
    if pointwise is not None:
        squeezed, groups = functional.conv2d(squeezed, pointwise), weight.shape[0]
    strided = functional.conv2d(squeezed, weight, bias, stride=2, groups=groups)
    return functional.max_pool2d(strided, 7, stride=3)


@triton.jit
def _load_row(x_ptr, inside, E: tl.constexpr, DOT):
    """Return a row of pixels at the left, centre and right tap of strided positions."""
    left = tl.load(x_ptr, mask=inside, other=0.0).to(DOT)
    centre = tl.load(x_ptr + E, mask=inside, other=0.0).to(DOT)
    right = tl.load(x_ptr + 2 * E, mask=inside, other=0.0).to(DOT)
    return left, centre, right


@triton.jit
def _weigh(row, taps, onto):
    """Add the weighted taps of a row of pixels to strided values."""
    onto = tl.dot(row[0], taps[0], onto, input_precision="ieee")
    onto = tl.dot(row[1], taps[1], onto, input_precision="ieee")
    return tl.dot(row[2], taps[2], onto, input_precision="ieee")


@kernel_jit
def _kernel(
    x_ptr, weight_ptr, bias_ptr, pointwise_ptr, y_ptr, height, width, low_height, low_width, rows,
    E: tl.constexpr, E2: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr,
    DOT: tl.constexpr,
):  # fmt: skip
    # one program: `rows` rows of BLOCK cells of one image, PART features
    e = tl.arange(0, E2)
    f = tl.program_id(0) % tl.cdiv(E, PART) * PART + tl.arange(0, PART)
    program = tl.program_id(0) // tl.cdiv(E, PART)
    blocks, bands = tl.cdiv(low_width, BLOCK), tl.cdiv(low_height, rows)
    cell = program % blocks * BLOCK + tl.arange(0, BLOCK)
    begin = program // blocks % bands * rows
    end = tl.minimum(begin + rows, low_height)
    image = (program // blocks // bands).to(tl.int64)

    mixing = load_mixing(pointwise_ptr, e, f, E)
    above = load_taps_of_row(weight_ptr, mixing, 0, e, f, E, DOT)
    level = load_taps_of_row(weight_ptr, mixing, 1, e, f, E, DOT)
    below = load_taps_of_row(weight_ptr, mixing, 2, e, f, E, DOT)
    bias = load_vector(bias_ptr, f, E)

    # each cell has 7 columns and an unused one, so that all cells form one matrix
    place = tl.arange(0, BLOCK * 8)
    owner, across = program % blocks * BLOCK + place // 8, place % 8
    counted = ((owner < low_width) & (across < 7))[:, None]
    inside = counted & (e < E)[None, :]
    line = tl.cast(width, tl.int64) * E
    x_ptr += (image * height + begin * 6) * line
    x_ptr += (owner * 6 + across * 2)[:, None] * E + e[None, :]
    y_ptr += (image * low_height + begin - 1) * low_width * E
    y_ptr += cell[:, None] * E + f[None, :]

    zero = tl.zeros((BLOCK * 8, PART), tl.float32)
    edge = _weigh(_load_row(x_ptr, inside, E, DOT), above, zero)
    edge = _weigh(_load_row(x_ptr + line, inside, E, DOT), level, edge)
    shared = _load_row(x_ptr + 2 * line, inside, E, DOT)
    edge = _weigh(shared, below, edge)
    following = _weigh(shared, above, zero)
    before = edge
    # strided rows 3k to 3k + 3 are the upper half of row k of cells, and the lower half of row
    # k - 1
    for row in range(begin, end + 1):
        first = _load_row(x_ptr + 3 * line, inside, E, DOT)
        second = _load_row(x_ptr + 4 * line, inside, E, DOT)
        third = _load_row(x_ptr + 5 * line, inside, E, DOT)
        fourth = _load_row(x_ptr + 6 * line, inside, E, DOT)
        fifth = _load_row(x_ptr + 7 * line, inside, E, DOT)
        sixth = _load_row(x_ptr + 8 * line, inside, E, DOT)
        value = _weigh(second, below, _weigh(first, level, following))
        half = larger(edge, value)
        value = _weigh(fourth, below, _weigh(third, level, _weigh(second, above, zero)))
        half = larger(half, value)
        edge = _weigh(sixth, below, _weigh(fifth, level, _weigh(fourth, above, zero)))
        half = larger(half, edge)
        following = _weigh(sixth, above, zero)
        x_ptr += 6 * line

        highest = tl.where(counted, larger(before, half), float("-inf"))
        y = tl.reduce(tl.reshape(highest, (BLOCK, 8, PART)), 1, larger) + bias
        # in the first pass, no row of cells is complete yet
        known = cell < tl.where(row > begin, low_width, 0)
        tl.store(y_ptr, y, mask=known[:, None] & (f < E)[None, :])
        y_ptr += low_width * E
        before = half


def _launch(
    squeezed: Tensor, weight: Tensor, bias: Tensor, pointwise: Tensor | None = None
) -> Tensor:
    """Return the cells in channels_last."""
    x = channels_last(squeezed)
    images, inner, height, width = x.shape
    size = _cells(height), _cells(width)
    y = torch.empty(
        (images, inner, *size), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
    )
    wide = padded(inner)
    # odd numbers of features are loaded value by value, which takes more registers
    values = VALUES if inner % 2 == 0 else VALUES // 2
    block = max(values // wide, LEAST_DOT) // 8
    options = configuration("esa_pool", x, BLOCK=block, num_warps=WARPS, num_stages=STAGES)
    part = max(min(wide, WEIGHTS // wide), LEAST_DOT)
    across = images * cdiv(size[1], options["BLOCK"]) * cdiv(inner, part)
    # a band reads pixels of 4 / 3 more rows of cells than it computes
    rows = rows_per_band(size[0], across, x.device, range(1, MOST_ROWS + 1), 4 / 3)
    with torch.cuda.device_of(x):
        _kernel[(across * cdiv(size[0], rows),)](
            x, channels_last(weight), bias.contiguous(), laid_out(pointwise), y, height, width,
            *size, rows,
            E=inner, E2=wide, PART=part, DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


_compute = register("esa_pool", reference, _launch)


def _cells(pixels: int) -> int:
    return (pixels - REACH) // PITCH + 1


def esa_pool(
    squeezed: Tensor, weight: Tensor, bias: Tensor, pointwise: Tensor | None = None
) -> Tensor:
    """Convolve 3x3 with stride 2, then take the maximum of 7x7 with stride 3.

    Parameters
    ----------
    squeezed : Tensor, (N, E, H, W)
        At least 15 x 15 pixels. Read as channels_last; other layouts are copied.
    weight : Tensor, (E, E, 3, 3), or (E, 1, 3, 3) after `pointwise`
        The 3x3 convolution, dense or depthwise.
    bias : Tensor, (E,)
        Bias of the 3x3 convolution.
    pointwise : Tensor, (E, E, 1, 1), optional
        The 1x1 convolution before a depthwise 3x3 convolution.

    Returns
    -------
    Tensor, (N, E, h, w)
        In the dtype of `squeezed`; h = (H - 15) // 6 + 1, w = (W - 15) // 6 + 1. The kernel
        computes in float32, but rounds the product of `pointwise` and `weight` (for the matrix
        unit) and the result.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or no cell fits into the image.
    """
    if squeezed.ndim != 4 or min(squeezed.shape[2:]) < REACH:
        raise ValueError(
            f"esa_pool needs (N, E, H, W) of at least {REACH} x {REACH} pixels, got "
            f"{tuple(squeezed.shape)}"
        )
    inner = squeezed.shape[1]
    check_shapes(
        "esa_pool",
        weight=(weight, (inner, inner if pointwise is None else 1, 3, 3)),
        bias=(bias, (inner,)),
        pointwise=(pointwise, (inner, inner, 1, 1)),
    )
    result: Tensor = _compute(squeezed, weight, bias, pointwise)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    images, inner, height, width = shape
    # at least two cells along each axis, because exporters treat a length of one specially
    tensors = (
        torch.randn(images, inner, height + PITCH + REACH - 1, width + PITCH + REACH - 1),
        torch.randn(inner, 1, 3, 3) / 3,
        torch.randn(inner),
        torch.randn(inner, inner, 1, 1) / inner**0.5,
    )
    squeezed, weight, bias, pointwise = (tensor.to(device, dtype) for tensor in tensors)
    return squeezed, weight, bias, pointwise


def _bytes_moved(squeezed: Tensor, *_: Tensor | None) -> int:
    images, inner, height, width = squeezed.shape
    cells = images * inner * _cells(height) * _cells(width)
    return (squeezed.numel() + cells) * squeezed.element_size()


def _flops(squeezed: Tensor, *_: Tensor | None) -> int:
    images, inner, height, width = squeezed.shape
    # for each strided value, a dense 3x3 (folded or not) and a maximum
    return images * ((height - 1) // 2) * ((width - 1) // 2) * inner * (18 * inner + 1)


OP = Op(esa_pool, reference, _launch, _example, _bytes_moved, _flops)
