"""Dense 3x3 convolution with the usual next steps: scale, pixel shuffle, residual, activation.

y = act(shuffle(scale * (weight * x + bias)) + residual)

where the shuffle turns channels into pixels: Shi et al., 2016, https://arxiv.org/abs/1609.05158.
RFDN (Liu et al., 2020, https://arxiv.org/abs/2009.11551) and EDSR (Lim et al., 2017,
https://arxiv.org/abs/1707.02921) mainly consist of this operation, and nearly all networks end in
it.

Bytes, for p pixels, I input and O output channels, and e bytes per value: eager PyTorch moves
p(I + O)e to convolve, 2pOe for each of bias, scale, activation and shuffle, and 3pOe for the
residual. The kernel moves p(I + O)e, and pOe more with a residual. At best, it is 3 times as fast
with I = O, bias, residual and activation (RFDN's body), or 4.5 times if the residual is x itself;
and 4 times with bias, scale and shuffle (the end of a network).

For every tap, a program reads its pixels and the weight: 27 bytes for each output value with 64
channels in and out, 1.7 KB for each pixel. With asynchronous copies, all of them would pass through
the L2 cache, which takes 1.7 ms at 2048 x 2048 on an H100; memory takes 0.54 ms, and the matrix
units 0.39 ms. Plain loads, with one stage, find nearly all of them in the L1 cache, which takes
0.27 ms. `benchmarks/gpu/kernel_model.py` forecasts these times; nothing was measured. cuDNN is as
fast for the convolution alone, but every further pass costs 0.36 ms or more. For a convolution with
a pixel shuffle, `_sub_pixel` chooses between this kernel and cuDNN.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._matrix import LEAST_DOT, channels_last, dot_type, padded
from sr_kernels._op import Op, check_shapes, register
from sr_kernels._patches import convolve, finish_features, finish_image, with_pitch
from sr_kernels._triton import kernel_jit, tl, triton

DEFAULTS = {"BLOCK": 32, "ROWS": 4, "num_warps": 4, "num_stages": 1}
"""Columns and rows of pixels of a program, and Triton's options. With 8 warps, a single loop
over taps and channels was miscompiled. With more than one stage, loads bypass the L1 cache. With
one stage, they use it, so a program loads its patch and a border from memory once (1.6 times the
pixels of the patch), not 9 times."""
MOST_INPUTS, MOST_OUTPUTS = 64, 64
"""Largest number of channels in one step of the loop."""
MOST_COLOURS = 4
"""Results with at most this many channels are images, NCHW; others are features, channels_last."""


def reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
    scale: float = 1.0,
    shuffle: int = 1,
) -> Tensor:
    """Compute `conv3x3` in plain PyTorch."""
    y = functional.conv2d(x, weight, bias, padding=1)
    if scale != 1:
        y = y * scale
    if shuffle != 1:
        y = functional.pixel_shuffle(y, shuffle)
    if residual is not None:
        y = y + residual
    return activated(y, activation, slope)


@kernel_jit
def _kernel(
    x_ptr, weight_ptr, bias_ptr, residual_ptr, y_ptr, height, width, scale, slope,
    INPUTS: tl.constexpr, PITCH: tl.constexpr, CHANNELS: tl.constexpr, R: tl.constexpr,
    R2: tl.constexpr, PLANES: tl.constexpr, IMAGE: tl.constexpr, ACTIVATION: tl.constexpr,
    DEPTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: ROWS x BLOCK pixels of one image, PLANES channels of y; if y is an image, all
    # R x R pixels that a pixel becomes, and if y are features, one of them
    planes: tl.constexpr = (CHANNELS + PLANES - 1) // PLANES
    parts: tl.constexpr = planes if IMAGE else planes * R * R
    across, down = tl.cdiv(width, BLOCK), tl.cdiv(height, ROWS)
    part, program = tl.program_id(0) % parts, tl.program_id(0) // parts
    left, top = program % across * BLOCK, program // across % down * ROWS
    image = (program // (across * down)).to(tl.int64)
    first, phase = part % planes * PLANES, part // planes

    # axis 1 of the product is (c, i, j), with i and j rounded up to R2
    share = tl.arange(0, PLANES * R2 * R2)
    c, i, j = first + share // (R2 * R2), share // R2 % R2, share % R2
    wanted = (c < CHANNELS) & (i < R) & (j < R)
    output = (c * R + i) * R + j if IMAGE else c * R * R + phase

    x_ptr += ((image * height + top) * width + left) * PITCH
    y = convolve(
        x_ptr, weight_ptr, top, left, height, width, output, wanted,
        INPUTS, PITCH, DEPTH, BLOCK, ROWS, DOT,
    )  # fmt: skip
    if bias_ptr is not None:
        y += tl.load(bias_ptr + output, mask=wanted, other=0.0).to(tl.float32)[None, :]
    y *= scale
    if IMAGE:
        finish_image(
            y, image, top, left, first, height, width, residual_ptr, y_ptr, slope,
            CHANNELS, R, R2, PLANES, BLOCK, ROWS, ACTIVATION,
        )  # fmt: skip
    else:
        finish_features(
            y, image, top, left, c, phase // R, phase % R, height, width, residual_ptr, y_ptr,
            slope, CHANNELS, R, BLOCK, ROWS, ACTIVATION,
        )  # fmt: skip


def _launch(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    residual: Tensor | None,
    activation: str,
    slope: float,
    scale: float,
    shuffle: int,
) -> Tensor:
    images, inputs, height, width = x.shape
    channels = weight.shape[0] // shuffle**2
    is_image, layout = channels <= MOST_COLOURS, _layout_of(channels)
    x, pitch = with_pitch(x)
    size = (images, channels, height * shuffle, width * shuffle)
    y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=layout)
    side = triton.next_power_of_2(shuffle) if is_image else 1
    least, most = (max(1, limit // side**2) for limit in (LEAST_DOT, MOST_OUTPUTS))
    planes = max(least, min(most, triton.next_power_of_2(channels)))
    parts = triton.cdiv(channels, planes) * (1 if is_image else shuffle**2)
    depth = min(MOST_INPUTS, padded(inputs))
    options = configuration("conv3x3", x, outputs=weight.shape[0], DEPTH=depth, **DEFAULTS)
    patches = triton.cdiv(width, options["BLOCK"]) * triton.cdiv(height, options["ROWS"])
    with torch.cuda.device_of(x):
        _kernel[(images * patches * parts,)](
            x, channels_last(weight), None if bias is None else bias.contiguous(),
            None if residual is None else residual.contiguous(memory_format=layout), y,
            height, width, scale, slope,
            INPUTS=inputs, PITCH=pitch, CHANNELS=channels, R=shuffle, R2=side, PLANES=planes,
            IMAGE=is_image, ACTIVATION=activation, DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


def _layout_of(channels: int) -> torch.memory_format:
    return torch.contiguous_format if channels <= MOST_COLOURS else torch.channels_last


_compute = register("conv3x3", reference, _launch, lambda y: _layout_of(y.shape[1]))


def conv3x3(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str = "none",
    slope: float = 0.0,
    scale: float = 1.0,
    shuffle: int = 1,
) -> Tensor:
    """Convolve 3x3, multiply by a factor, turn channels into pixels, add a residual, and activate.

    Parameters
    ----------
    x : Tensor, (N, I, H, W)
        Read as channels_last. A part of the channels of such a tensor is not copied; other layouts
        are copied.
    weight : Tensor, (C * r * r, I, 3, 3)
        Read like `x`; r is `shuffle`.
    bias : Tensor, (C * r * r,), optional
        Bias of the convolution.
    residual : Tensor, (N, C, r * H, r * W), optional
        Added before the activation. Read in the layout of the result.
    activation : str
        "none", "gelu", "relu", "leaky_relu", "hard_swish" or "tanh".
    slope : float
        Factor of values below zero in "leaky_relu".
    scale : float
        Factor by which the convolution, with its bias, is multiplied.
    shuffle : int
        Factor r of the pixel shuffle.

    Returns
    -------
    Tensor, (N, C, r * H, r * W)
        In the dtype of `x`. The kernel returns results of at most 4 channels contiguous, others in
        channels_last. Sums are computed in float32 and rounded once.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the activation is unknown.
    """
    outputs, (images, inputs, height, width) = weight.shape[0], x.shape
    if shuffle < 1 or outputs % shuffle**2:
        raise ValueError(
            "conv3x3 needs a weight of C * shuffle * shuffle outputs and a shuffle of at least 1, "
            f"got {outputs} outputs, shuffle {shuffle}"
        )
    size = (images, outputs // shuffle**2, height * shuffle, width * shuffle)
    check_shapes(
        "conv3x3",
        weight=(weight, (outputs, inputs, 3, 3)),
        bias=(bias, (outputs,)),
        residual=(residual, size),
    )
    check_activation("conv3x3", activation)
    result: Tensor = _compute(x, weight, bias, residual, activation, slope, scale, shuffle)
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, inputs, height, width = shape
    # the result is a colour image for some widths, and features for others
    shuffle = {8: 3, 48: 4, 50: 4}.get(inputs, 1)
    channels = inputs if shuffle == 1 else 3
    outputs = channels * shuffle**2
    tensors = (
        torch.randn(shape),
        torch.randn(outputs, inputs, 3, 3) / (9 * inputs) ** 0.5,
        torch.randn(outputs),
        torch.randn(images, channels, height * shuffle, width * shuffle),
    )
    return *(tensor.to(device, dtype) for tensor in tensors), "leaky_relu", 0.05, 0.5, shuffle


def _bytes_moved(x: Tensor, weight: Tensor, *rest: Any) -> int:
    residual = rest[1]
    moved = x.numel() + x[:, :1].numel() * weight.shape[0] + weight.numel()
    # if the residual is x itself, it is read from the cache
    if residual is not None and residual is not x:
        moved += residual.numel()
    return moved * x.element_size()


def _flops(x: Tensor, weight: Tensor, *_: Any) -> int:
    # two operations for each multiply-add; other operations are negligible
    return x[:, :1].numel() * 2 * weight.numel()


OP = Op(conv3x3, reference, _launch, _example, _bytes_moved, _flops)
