"""Mean and sum of squared deviations of every plane, as channel attention needs them.

mean[n, c] = sum of x[n, c] / (H W), m2[n, c] = sum of (x[n, c] - mean[n, c])^2

In super-resolution: Hui et al., 2019, https://arxiv.org/abs/1909.11856. Sums are computed relative
to a value near the mean, the pivot, so that a large offset costs no digits. Parts of a plane are
merged by their numbers of pixels, in an order that depends only on the shape, so repeated runs give
bit-equal results.

Bytes, for n values of e bytes each: eager PyTorch moves n(e + 4) to convert to float32, 4n for the
mean, 8n for the deviations, 8n for their squares and 4n for the sum; the kernel reads ne. At best,
it is 1 + 28 / e times as fast, 15 times in half precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sr_kernels._configuration import configuration
from sr_kernels._moments import MOST, column_sum, merge, new_parts, store_part
from sr_kernels._op import Op, is_unwatched, register
from sr_kernels._triton import cdiv, kernel_jit, next_power_of_2, tl, triton

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK = 4096
"""Values of one program: 32 for each thread."""
CHANNELS = 64
"""Largest number of channels of one program."""
WARPS = 4
ROWS = 8
"""Rows whose deviations are computed together on a CPU; they stay in its cache."""


def reference(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute `plane_moments` in plain PyTorch."""
    wide = x if x.dtype == torch.float64 else x.float()
    # order matters: a compiler cannot trace the last condition
    if x.device.type == "cpu" and not torch.compiler.is_compiling() and is_unwatched((x,)):
        return _by_rows(wide)
    mean = wide.mean(dim=(2, 3), keepdim=True)
    return mean, (wide - mean).square().sum(dim=(2, 3), keepdim=True)


def _by_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute `plane_moments` on a CPU in inference.

    PyTorch sums slowly over both axes of planes with channels last: 64x382x382 values take 62 ms
    with 2 threads. This takes 11 ms.
    """
    rows = x.permute(0, 2, 3, 1)
    mean = rows.sum(dim=2).double().sum(dim=1, keepdim=True) / (x.shape[2] * x.shape[3])
    mean = mean.to(x.dtype)[:, :, None]
    sums = [(some - mean).square().sum(dim=2) for some in rows.split(ROWS, dim=1)]
    m2 = torch.cat(sums, dim=1).double().sum(dim=1).to(x.dtype)
    return mean.permute(0, 3, 1, 2), m2[..., None, None]


@triton.jit
def _load_apart(x_ptr, begin, stop, wanted, pivot, C: tl.constexpr, BLOCK: tl.constexpr):
    """Load BLOCK pixels and subtract the pivot: (pixels, channels) in float32, zero outside."""
    pixel = begin + tl.arange(0, BLOCK)
    inside = (pixel < stop)[:, None] & wanted[None, :]
    x = tl.load(x_ptr + pixel[:, None] * C, mask=inside, other=0.0).to(tl.float32)
    return tl.where(inside, x - pivot, 0.0)


@kernel_jit
def _part_kernel(
    x_ptr, parts_ptr, pixels, tiles, parts, images,
    C: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    # one program: `tiles` x BLOCK neighbouring pixels of one image, CHANNELS channels
    part = tl.program_id(0) % parts
    image = (tl.program_id(0) // parts).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    wanted = channel < C
    x_ptr += image * pixels * C + channel[None, :]
    start = part.to(tl.int64) * tiles * BLOCK
    stop = tl.minimum(start + tiles * BLOCK, pixels)
    # the pivot is the mean of the part's first pixels, computed relative to one of them
    one = tl.load(x_ptr + start * C, mask=wanted[None, :], other=0.0).to(tl.float32)
    apart = _load_apart(x_ptr, start, stop, wanted, one, C, BLOCK)
    pivot = one + column_sum(apart)[None, :] / tl.minimum(stop - start, BLOCK).to(tl.float32)

    total = tl.zeros((BLOCK, CHANNELS), tl.float32)
    squares = tl.zeros((BLOCK, CHANNELS), tl.float32)
    for begin in range(start, stop, BLOCK):
        apart = _load_apart(x_ptr, begin, stop, wanted, pivot, C, BLOCK)
        total += apart
        squares += apart * apart
    mean = column_sum(total) / (stop - start).to(tl.float32)
    # the pivot is near the mean, so few digits cancel
    m2 = column_sum(squares) - column_sum(total) * mean
    m2 = tl.where(m2 < 0.0, 0.0, m2)
    pivot = tl.sum(pivot, axis=0)

    place = (image * C + channel) * parts + part
    store_part(parts_ptr, place, images * C, parts, pivot, mean, m2, wanted)


def _launch(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and m2 in float32."""
    x = x.contiguous(memory_format=torch.channels_last)
    images, channels, height, width = x.shape
    pixels = height * width
    group = min(CHANNELS, next_power_of_2(channels))
    options = configuration("plane_moments", x, BLOCK=BLOCK // group, num_warps=WARPS)
    tiles = cdiv(pixels, options["BLOCK"] * MOST)
    span = options["BLOCK"] * tiles
    count = cdiv(pixels, span)
    parts = new_parts(images, channels, count, x.device)
    with torch.cuda.device_of(x):
        _part_kernel[(count * images, cdiv(channels, group))](
            x, parts, pixels, tiles, count, images, C=channels, CHANNELS=group, **options
        )
    return merge(parts, (1, pixels), (1, span))


_compute = register("plane_moments", reference, _launch)


def plane_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the sum of squared deviations of every channel over H and W.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        At least one pixel. Read as channels_last; other layouts are copied.

    Returns
    -------
    mean, m2 : Tensor, (N, C, 1, 1)
        In float32, or in float64 if `x` is float64. The population variance is m2 / (H * W).

    Raises
    ------
    ValueError
        If `x` has no pixels, or not four dimensions.
    """
    if x.ndim != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"plane_moments needs a non-empty (N, C, H, W), got {tuple(x.shape)}")
    mean, m2 = _compute(x)
    return mean, m2


def merged(parts: Iterable[tuple[int, Tensor, Tensor]]) -> tuple[int, Tensor, Tensor]:
    """Merge the moments of disjoint parts of a plane, such as tiles, in the given order.

    Parameters
    ----------
    parts : iterable of (int, Tensor, Tensor)
        The number of pixels of each part, and its `plane_moments`; at least one part.

    Returns
    -------
    count, mean, m2 : int, Tensor and Tensor, (N, C, 1, 1)
        Total number of pixels, and moments of all parts together.

    Raises
    ------
    ValueError
        If there are no parts.
    """
    found = list(parts)
    if not found:
        raise ValueError(f"merged needs at least one part, got {found}")
    # merging neighbours in pairs keeps the numbers of pixels about equal, which rounds less
    while len(found) > 1:
        pairs = [_pair(*found[at : at + 2]) for at in range(0, len(found) - 1, 2)]
        found = pairs + found[2 * len(pairs) :]
    return found[0]


def _pair(
    one: tuple[int, Tensor, Tensor], other: tuple[int, Tensor, Tensor]
) -> tuple[int, Tensor, Tensor]:
    count = one[0] + other[0]
    share = other[0] / count
    step = other[1] - one[1]
    return count, one[1] + step * share, one[2] + other[2] + step.square() * (one[0] * share)


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Tensor]:
    # with a mean of 5 standard deviations, mean of squares minus square of mean would lose digits
    return ((torch.randn(shape) + 5).to(device, dtype),)


def _bytes_moved(x: Tensor) -> int:
    return x.numel() * x.element_size() + 2 * x.shape[0] * x.shape[1] * 4


def _flops(x: Tensor) -> int:
    # subtract the pivot, add to the sum, subtract the mean, square, add
    return 5 * x.numel()


OP = Op(plane_moments, reference, _launch, _example, _bytes_moved, _flops)
