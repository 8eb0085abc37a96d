"""Turn channels into pixels and add a skip, the end of a sub-pixel network.

y[n, c, r h + i, r w + j] = x[n, r r c + r i + j, h, w] + skip[n, c, r h + i, r w + j]

Shi et al., 2016, https://arxiv.org/abs/1609.05158

Bytes, for m elements of e bytes each: eager PyTorch moves 2me to rearrange, 3me to add, and 2me
more to make NCHW of a channels_last result; the kernel moves 3me. At best it is 7/3 as fast, and
twice as fast where there is no skip.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._configuration import configuration
from sr_kernels._op import Op, register
from sr_kernels._triton import kernel_jit, tl, triton

BLOCK = 64
"""Pixels of x that one program rearranges."""
PLANES = 4
"""Channels of y that one program writes, at most: grey and colour in one go."""
WARPS = 4


def reference(x: Tensor, scale: int, skip: Tensor | None = None) -> Tensor:
    """Compute `pixel_shuffle_add` in plain PyTorch."""
    y = functional.pixel_shuffle(x, scale)
    return (y if skip is None else y + skip).contiguous()


@kernel_jit
def _kernel(
    x_ptr, skip_ptr, y_ptr, planes, height, width,
    R: tl.constexpr, R2: tl.constexpr, P2: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK pixels of one row of x, for P2 channels of y
    blocks = tl.cdiv(width, BLOCK)
    row = (tl.program_id(0) // blocks).to(tl.int64)
    left = tl.program_id(0) % blocks * BLOCK
    first = tl.program_id(1) * P2

    # axis 1 of what is read is (c, i, j), of which i and j are rounded up to a power of two, R2
    share = tl.arange(0, P2 * R2 * R2)
    if R == R2:
        channel = first * R * R + share
        wanted = channel < planes * R * R
    else:
        c, i, j = first + share // (R2 * R2), share // R2 % R2, share % R2
        channel = (c * R + i) * R + j
        wanted = (c < planes) & (i < R) & (j < R)
    pixel = left + tl.arange(0, BLOCK)
    at = (row * width + pixel)[:, None] * (planes * R * R) + channel[None, :]
    y = tl.load(x_ptr + at, mask=(pixel < width)[:, None] & wanted[None, :], other=0.0)
    y = tl.permute(tl.reshape(y, (BLOCK, P2, R2, R2)), (1, 2, 0, 3))
    y = tl.reshape(y, (P2 * R2, BLOCK * R2))

    # what is written has the axes (c, i) and (w, j)
    line = tl.arange(0, P2 * R2)
    c, i = first + line // R2, line % R2
    place = tl.arange(0, BLOCK * R2)
    pixel, j = left + place // R2, place % R2
    image, h = row // height, row % height
    to = ((image * planes + c) * height + h) * R + i
    to = to[:, None] * (width * R) + (pixel * R + j)[None, :]
    inside = ((c < planes) & (i < R))[:, None] & ((pixel < width) & (j < R))[None, :]
    if skip_ptr is not None:
        y = y.to(tl.float32) + tl.load(skip_ptr + to, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + to, y, mask=inside)


def _launch(x: Tensor, scale: int, skip: Tensor | None = None) -> Tensor:
    """Return y in NCHW."""
    x = x.contiguous(memory_format=torch.channels_last)
    images, channels, height, width = x.shape
    planes = channels // scale**2
    shape = (images, planes, height * scale, width * scale)
    y = torch.empty(shape, dtype=x.dtype, device=x.device)
    group = min(PLANES, triton.next_power_of_2(planes))
    options = configuration("pixel_shuffle_add", x, BLOCK=BLOCK, num_warps=WARPS)
    blocks = triton.cdiv(width, options["BLOCK"])
    with torch.cuda.device_of(x):
        _kernel[(images * height * blocks, triton.cdiv(planes, group))](
            x, None if skip is None else skip.contiguous(), y, planes, height, width,
            R=scale, R2=triton.next_power_of_2(scale), P2=group, **options,
        )  # fmt: skip
    return y


_compute = register("pixel_shuffle_add", reference, _launch, torch.contiguous_format)


def pixel_shuffle_add(x: Tensor, scale: int, skip: Tensor | None = None) -> Tensor:
    """Rearrange every `scale` squared channels of `x` into pixels, and add `skip`.

    Parameters
    ----------
    x : Tensor, (N, C * scale * scale, H, W)
        Read as channels_last; other layouts are copied.
    scale : int
        How many times larger the result is.
    skip : Tensor, (N, C, scale * H, scale * W), optional
        Read as contiguous; other layouts are copied.

    Returns
    -------
    Tensor, (N, C, scale * H, scale * W)
        Contiguous, in the dtype of `x`; the sum is taken in float32 and rounded once.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    if scale < 1 or x.ndim != 4 or x.shape[1] % scale**2:
        raise ValueError(
            "pixel_shuffle_add needs x (N, C * scale * scale, H, W) and a scale of at least 1, "
            f"got x {tuple(x.shape)}, scale {scale}"
        )
    images, channels, height, width = x.shape
    shape = (images, channels // scale**2, scale * height, scale * width)
    if skip is not None and skip.shape != shape:
        raise ValueError(f"pixel_shuffle_add needs a skip {shape}, got {tuple(skip.shape)}")
    result: Tensor = _compute(x, scale, skip)
    return result


def _example(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, int, Tensor]:
    images, channels, height, width = shape
    # of 48 channels colour at 4, of 50 two planes at 5
    scale = next(scale for scale in (4, 5, 2, 1) if channels % scale**2 == 0)
    x = torch.randn(shape)
    skip = torch.randn(images, channels // scale**2, scale * height, scale * width)
    return x.to(device, dtype), scale, skip.to(device, dtype)


def _bytes_moved(x: Tensor, scale: int, skip: Tensor | None = None) -> int:
    return x.numel() * x.element_size() * (2 if skip is None else 3)


def _flops(x: Tensor, scale: int, skip: Tensor | None = None) -> int:
    return 0 if skip is None else x.numel()


OP = Op(pixel_shuffle_add, reference, _launch, _example, _bytes_moved, _flops)
