"""Bias, factor, pixel shuffle, skip and activation: the end of a sub-pixel convolution.

y[n, c, r h + i, r w + j] = act(factor (x[n, r r c + r i + j, h, w] + bias[r r c + r i + j])
                                + skip[n, c, r h + i, r w + j])

Shi et al., 2016, https://arxiv.org/abs/1609.05158

This op follows a cuDNN convolution without bias: in SRGAN, whose slopes are learned, and in EDSR
with 256 features. `_sub_pixel` chooses between `conv3x3` and cuDNN with this op.

Bytes, for m values of e bytes each: eager PyTorch moves 2me for each of bias, factor, shuffle and
activation, and 3me to add the skip; the kernel moves 2me, and me more with a skip. At best, it is 3
times as fast with bias and activation, and 11/3 times with everything.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activate, activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._shuffle import places_in_features, places_in_image
from sr_kernels._triton import cdiv, kernel_jit, next_power_of_2, tl, triton

BLOCK, ELEMENTS = 64, 4096
"""Largest number of pixels of x and of values of x in one program."""
MOST_COLOURS = 4
"""Results with at most this many channels are images, NCHW; others are features, channels_last.
One program writes all colours of an image."""
MOST_SHARES = 256
"""Largest number of channels of x in one program, if the result is features."""
WARPS = 4


def reference(
    x: Tensor,
    scale: int,
    skip: Tensor | None = None,
    bias: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
    slopes: Tensor | None = None,
    factor: float = 1.0,
) -> Tensor:
    """Compute `pixel_shuffle_add` in plain PyTorch."""
    y = x if bias is None else x + bias[:, None, None]
    if factor != 1:
        y = y * factor
    y = functional.pixel_shuffle(y, scale)
    if skip is not None:
        y = y + skip
    return activated(y, activation, slope) if slopes is None else functional.prelu(y, slopes)


@triton.jit
def _slope_of(slopes_ptr, slope, c, CHANNELS: tl.constexpr, SLOPES: tl.constexpr):
    if slopes_ptr is None:
        return slope
    elif SLOPES == 1:
        return tl.load(slopes_ptr).to(tl.float32)
    else:
        return tl.load(slopes_ptr + c, mask=c < CHANNELS, other=0.0).to(tl.float32)


@kernel_jit
def _kernel(
    x_ptr, skip_ptr, bias_ptr, slopes_ptr, y_ptr, height, width, slope, factor,
    CHANNELS: tl.constexpr, R: tl.constexpr, R2: tl.constexpr, PLANES: tl.constexpr,
    IMAGE: tl.constexpr, SLOPES: tl.constexpr, ACTIVATION: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK pixels of one row of x, PLANES channels of y
    blocks, parts = tl.cdiv(width, BLOCK), (CHANNELS + PLANES - 1) // PLANES
    first, program = tl.program_id(0) % parts * PLANES, tl.program_id(0) // parts
    row, left = (program // blocks).to(tl.int64), program % blocks * BLOCK

    # axis 1 of the input is (c, i, j), with i and j rounded up to a power of two, R2
    share = tl.arange(0, PLANES * R2 * R2)
    if R == R2:
        channel = first * R * R + share
        wanted = channel < CHANNELS * R * R
    else:
        c, i, j = first + share // (R2 * R2), share // R2 % R2, share % R2
        channel = (c * R + i) * R + j
        wanted = (c < CHANNELS) & (i < R) & (j < R)
    pixel = left + tl.arange(0, BLOCK)
    at = (row * width + pixel)[:, None] * (CHANNELS * R * R) + channel[None, :]
    y = tl.load(x_ptr + at, mask=(pixel < width)[:, None] & wanted[None, :], other=0.0)
    if bias_ptr is not None:
        bias = tl.load(bias_ptr + channel, mask=wanted, other=0.0).to(tl.float32)
        y = y.to(tl.float32) + bias[None, :]
    y = tl.reshape(y, (BLOCK, PLANES, R2, R2))

    if IMAGE:
        y = tl.reshape(tl.permute(y, (1, 2, 0, 3)), (PLANES * R2, BLOCK * R2))
        to, inside, c = places_in_image(
            row, left, first, height, width, CHANNELS, R, R2, PLANES, BLOCK
        )
    else:
        y = tl.reshape(tl.permute(y, (2, 0, 3, 1)), (R2 * BLOCK * R2, PLANES))
        to, inside, c = places_in_features(row, left, first, width, CHANNELS, R, R2, PLANES, BLOCK)
    y = y.to(tl.float32) * factor
    if skip_ptr is not None:
        y += tl.load(skip_ptr + to, mask=inside, other=0.0).to(tl.float32)
    y = activate(y, ACTIVATION, _slope_of(slopes_ptr, slope, c, CHANNELS, SLOPES))
    tl.store(y_ptr + to, y, mask=inside)


def _layout_of(channels: int) -> torch.memory_format:
    return torch.contiguous_format if channels <= MOST_COLOURS else torch.channels_last


def _launch(
    x: Tensor,
    scale: int,
    skip: Tensor | None,
    bias: Tensor | None,
    activation: str,
    slope: float,
    slopes: Tensor | None,
    factor: float,
) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)
    images, shares, height, width = x.shape
    channels, side = shares // scale**2, next_power_of_2(scale)
    is_image, layout = channels <= MOST_COLOURS, _layout_of(channels)
    size = (images, channels, height * scale, width * scale)
    y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=layout)
    most = MOST_COLOURS if is_image else max(1, MOST_SHARES // side**2)
    planes = min(most, next_power_of_2(channels))
    block = min(BLOCK, max(1, ELEMENTS // (planes * side**2)))
    options = configuration("pixel_shuffle_add", x, BLOCK=block, num_warps=WARPS)
    programs = images * height * cdiv(width, options["BLOCK"])
    with torch.cuda.device_of(x):
        _kernel[(programs * cdiv(channels, planes),)](
            x, None if skip is None else skip.contiguous(memory_format=layout),
            None if bias is None else bias.contiguous(),
            None if slopes is None else slopes.contiguous(), y, height, width, slope, factor,
            CHANNELS=channels, R=scale, R2=side, PLANES=planes, IMAGE=is_image,
            SLOPES=0 if slopes is None else len(slopes), ACTIVATION=activation, **options,
        )  # fmt: skip
    return y


_compute = register("pixel_shuffle_add", reference, _launch, lambda y: _layout_of(y.shape[1]))


def pixel_shuffle_add(
    x: Tensor,
    scale: int,
    skip: Tensor | None = None,
    bias: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
    slopes: Tensor | None = None,
    factor: float = 1.0,
) -> Tensor:
    """Turn every `scale` * `scale` channels of `x` into pixels, add a skip, and activate.

    Parameters
    ----------
    x : Tensor, (N, C * scale * scale, H, W)
        Read as channels_last; other layouts are copied.
    scale : int
        Factor of the pixel shuffle.
    skip : Tensor, (N, C, scale * H, scale * W), optional
        Added before the activation. Read in the layout of the result.
    bias : Tensor, (C * scale * scale,), optional
        Added to `x` first; usually the bias of the convolution that computed `x`.
    activation : str
        "none", "gelu", "relu", "leaky_relu", "hard_swish" or "tanh".
    slope : float
        Factor of values below zero in "leaky_relu".
    slopes : Tensor, (1,) or (C,), optional
        Learned slopes, one for all channels or one for each; they replace `slope`.
    factor : float
        Factor by which `x`, with its bias, is multiplied.

    Returns
    -------
    Tensor, (N, C, scale * H, scale * W)
        In the dtype of `x`. The kernel returns results of at most 4 channels contiguous, others in
        channels_last. It computes in float32 and rounds once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, the activation is unknown, or `slopes` are given but the
        activation is not "leaky_relu".
    """
    if scale < 1 or x.ndim != 4 or x.shape[1] % scale**2:
        raise ValueError(
            "pixel_shuffle_add needs x (N, C * scale * scale, H, W) and a scale of at least 1, "
            f"got x {tuple(x.shape)}, scale {scale}"
        )
    if slopes is not None and activation != "leaky_relu":
        raise ValueError(
            f"pixel_shuffle_add needs activation 'leaky_relu' for slopes, got {activation!r}"
        )
    images, shares, height, width = x.shape
    channels = shares // scale**2
    several = slopes is not None and slopes.shape != (1,)
    check_shapes(
        "pixel_shuffle_add",
        skip=(skip, (images, channels, scale * height, scale * width)),
        bias=(bias, (shares,)),
        slopes=(slopes if several else None, (channels,)),
    )
    check_activation("pixel_shuffle_add", activation)
    result: Tensor = _compute(x, scale, skip, bias, activation, slope, slopes, factor)
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, shares, height, width = shape
    # 48 channels: colour at scale 4; 50: two planes at scale 5; others: scale 2
    scale = {48: 4, 50: 5}.get(shares, 2)
    channels = shares // scale**2
    tensors = (
        torch.randn(shape),
        torch.randn(images, channels, scale * height, scale * width),
        torch.randn(shares),
        torch.rand(channels),
    )
    x, skip, bias, slopes = (tensor.to(device, dtype) for tensor in tensors)
    return x, scale, skip, bias, "leaky_relu", 0.0, slopes, 0.5


def _bytes_moved(x: Tensor, scale: int, skip: Tensor | None = None, *_: Any) -> int:
    return x.numel() * x.element_size() * (2 if skip is None else 3)


def _flops(
    x: Tensor, scale: int, skip: Tensor | None = None, bias: Tensor | None = None, *_: Any
) -> int:
    # one operation for each of bias, factor and skip
    return x.numel() * (1 + (skip is not None) + (bias is not None))


OP = Op(pixel_shuffle_add, reference, _launch, _example, _bytes_moved, _flops)
