"""A strided 3x3 and the pooling over it, the way down in enhanced spatial attention.

cells = max_pool(strided(pointwise . squeezed) + bias)

where strided is a 3x3 of stride 2, and max_pool takes 7x7 with stride 3: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. Neither pads: cell (i, j) looks at 15 x 15 pixels from (6i, 6j)
on. The 3x3 is dense, or depthwise after a 1x1: Li et al., 2022, https://arxiv.org/abs/2205.05996;
the kernel folds the latter two into one dense 3x3.

Bytes, for p pixels of E features of e bytes each: eager PyTorch reads pEe, moves pEe / 2 for the
strided plane, and pEe / 36 for the cells; with a 1x1 before, 2pEe more. The kernel moves pEe and
the cells. At best it is 1.5 times as fast, with the 1x1 3.4 times. It computes a strided value
once for each cell that looks at it, 49 / 9 times, on matrix units that have little else to do.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._configuration import configuration
from sr_kernels._matrix import LEAST_DOT, channels_last, dot_type, load_vector, load_weight, padded
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._triton import kernel_jit, tl, triton

PITCH, REACH = 6, 15
"""Pixels from one cell to the next, and those that a cell looks at."""
VALUES = 1024
"""Strided values of one row that a program holds, over all features: 8 of each thread."""
WEIGHTS = 4096
"""Weights of each of the nine taps that it holds, in shared memory."""
WARPS, STAGES = 4, 2


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
def _load_tap(weight_ptr, mixing, tap: tl.constexpr, source, output, E: tl.constexpr, DOT):
    inside = output < E
    if mixing is None:
        square = (source < E)[:, None] & inside[None, :]
        at = (output[None, :] * 9 + tap) * E + source[:, None]
        return tl.load(weight_ptr + at, mask=square, other=0.0).to(DOT)
    else:
        taps = tl.load(weight_ptr + output * 9 + tap, mask=inside, other=0.0)
        return (mixing * taps.to(tl.float32)[None, :]).to(DOT)


@triton.jit
def _load_taps(weight_ptr, mixing, row: tl.constexpr, source, output, E: tl.constexpr, DOT):
    """Return what one row of the 3x3 does, three (sources, outputs); what fills up is zero."""
    left = _load_tap(weight_ptr, mixing, row * 3, source, output, E, DOT)
    centre = _load_tap(weight_ptr, mixing, row * 3 + 1, source, output, E, DOT)
    right = _load_tap(weight_ptr, mixing, row * 3 + 2, source, output, E, DOT)
    return left, centre, right


@triton.jit
def _weigh(x_ptr, inside, taps, onto, E: tl.constexpr, DOT):
    """Add what a row of pixels gives to the strided values."""
    for across in tl.static_range(3):
        x = tl.load(x_ptr + across * E, mask=inside, other=0.0).to(DOT)
        onto = tl.dot(x, taps[across], onto, input_precision="ieee")
    return onto


@kernel_jit
def _kernel(
    x_ptr, weight_ptr, bias_ptr, pointwise_ptr, y_ptr, height, width, low_height, low_width,
    E: tl.constexpr, E2: tl.constexpr, PART: tl.constexpr, BLOCK: tl.constexpr,
    DOT: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK cells of one row of cells of one image, PART features
    e = tl.arange(0, E2)
    f = tl.program_id(0) % tl.cdiv(E, PART) * PART + tl.arange(0, PART)
    program = tl.program_id(0) // tl.cdiv(E, PART)
    blocks = tl.cdiv(low_width, BLOCK)
    first = program % blocks * BLOCK
    row = program // blocks % low_height
    image = (program // blocks // low_height).to(tl.int64)

    mixing = None
    if pointwise_ptr is not None:
        mixing = load_weight(pointwise_ptr, e, f, E, E, E, tl.float32)
    above = _load_taps(weight_ptr, mixing, 0, e, f, E, DOT)
    level = _load_taps(weight_ptr, mixing, 1, e, f, E, DOT)
    below = _load_taps(weight_ptr, mixing, 2, e, f, E, DOT)

    # a cell's 7 columns and one that is left out follow each other: all are one matrix
    place = tl.arange(0, BLOCK * 8)
    cell, across = first + place // 8, place % 8
    counted = (cell < low_width) & (across < 7)
    column = cell * 6 + across * 2
    inside = counted[:, None] & (e < E)[None, :]
    line = tl.cast(width, tl.int64) * E
    x_ptr += (image * height + row * 6) * line + column[:, None] * E + e[None, :]
    highest = tl.full((BLOCK * 8, PART), float("-inf"), tl.float32)
    for down in range(7):
        top = x_ptr + down * 2 * line
        value = tl.zeros((BLOCK * 8, PART), tl.float32)
        value = _weigh(top, inside, above, value, E, DOT)
        value = _weigh(top + line, inside, level, value, E, DOT)
        value = _weigh(top + 2 * line, inside, below, value, E, DOT)
        highest = tl.maximum(highest, value)

    highest = tl.where(counted[:, None], highest, float("-inf"))
    y = tl.max(tl.reshape(highest, (BLOCK, 8, PART)), axis=1)
    y += load_vector(bias_ptr, f, E)
    cell = first + tl.arange(0, BLOCK)
    at = ((image * low_height + row) * low_width + cell)[:, None] * E + f[None, :]
    tl.store(y_ptr + at, y, mask=(cell < low_width)[:, None] & (f < E)[None, :])


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
    block = max(VALUES // wide, LEAST_DOT) // 8
    options = configuration("esa_pool", x, BLOCK=block, num_warps=WARPS, num_stages=STAGES)
    part = max(min(wide, WEIGHTS // wide), LEAST_DOT)
    across = triton.cdiv(size[1], options["BLOCK"]) * triton.cdiv(inner, part)
    with torch.cuda.device_of(x):
        _kernel[(images * size[0] * across,)](
            x, channels_last(weight), bias.contiguous(),
            None if pointwise is None else pointwise.contiguous(), y, height, width, *size,
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
        The 3x3, dense or of each feature alone.
    bias : Tensor, (E,)
        Of the 3x3.
    pointwise : Tensor, (E, E, 1, 1), optional
        A 1x1 before it.

    Returns
    -------
    Tensor, (N, E, h, w)
        In the dtype of `squeezed`, h = (H - 15) // 6 + 1 and likewise w. The kernel computes in
        float32, but rounds the product of `pointwise` and `weight` once, for the matrix unit, and
        the result once.

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
    # two cells each way where a pixel was asked for: sizes of one are special to what exports
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
    # a dense 3x3, folded or not, and a maximum, each strided value once
    return images * ((height - 1) // 2) * ((width - 1) // 2) * inner * (18 * inner + 1)


OP = Op(esa_pool, reference, _launch, _example, _bytes_moved, _flops)
