"""The end of a distillation block: three distilling 1x1, the fusion of parts, and ESA's squeeze.

refined = fuse . [act(x_weight . x), act(first_weight . first), act(second_weight . second), last]
squeezed = squeeze . refined

where all weights are 1x1 convolutions with a bias: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. ESA is enhanced spatial attention. The kernel computes the fusion
as a sum over the parts, so it concatenates nothing.

Bytes, for p pixels, C features and e bytes per value, with C / 2 features in a distilled part and
C / 4 after the squeeze: eager PyTorch moves 4.5pCe to distil, 3pCe to activate, 4pCe to
concatenate, 3pCe to fuse and 1.25pCe to squeeze; the kernel moves 4.75pCe. At best, it is 3.3 times
as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sr_kernels._activation import activate, activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._matrix import channels_last, dot_type, load_vector, load_weight, padded
from sr_kernels._op import Op, check_shapes, register, tensors_of
from sr_kernels._triton import cdiv, kernel_jit, tl, triton

BLOCK = 128
"""Pixels of a program, for up to 64 features."""
WARPS = 8


def refine(
    x: Tensor, first: Tensor, second: Tensor, last: Tensor,
    x_weight: Tensor, x_bias: Tensor, first_weight: Tensor, first_bias: Tensor,
    second_weight: Tensor, second_bias: Tensor, fuse_weight: Tensor, fuse_bias: Tensor,
    activation: str, slope: float,
) -> Tensor:  # fmt: skip
    """Compute the refined features of `esdb_tail`, (N, C, H, W), in plain PyTorch."""
    # parts have no names, so that their memory is freed after the concatenation
    parts = torch.cat(
        [
            activated(functional.conv2d(x, x_weight, x_bias), activation, slope),
            activated(functional.conv2d(first, first_weight, first_bias), activation, slope),
            activated(functional.conv2d(second, second_weight, second_bias), activation, slope),
            last,
        ],
        dim=1,
    )
    return functional.conv2d(parts, fuse_weight, fuse_bias)


def reference(
    x: Tensor, first: Tensor, second: Tensor, last: Tensor,
    x_weight: Tensor, x_bias: Tensor, first_weight: Tensor, first_bias: Tensor,
    second_weight: Tensor, second_bias: Tensor, fuse_weight: Tensor, fuse_bias: Tensor,
    squeeze_weight: Tensor, squeeze_bias: Tensor, activation: str, slope: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Compute `esdb_tail` in plain PyTorch."""
    refined = refine(
        x, first, second, last, x_weight, x_bias, first_weight, first_bias, second_weight,
        second_bias, fuse_weight, fuse_bias, activation, slope,
    )  # fmt: skip
    return refined, functional.conv2d(refined, squeeze_weight, squeeze_bias)


@triton.jit
def _distil(
    x_ptr, weight_ptr, bias_ptr, place, inside, slope, C: tl.constexpr, D: tl.constexpr,
    C2: tl.constexpr, D2: tl.constexpr, ACTIVATION: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # (pixels, features) to (pixels, distilled)
    d = tl.arange(0, D2)
    x = tl.load(x_ptr + place, mask=inside, other=0.0).to(DOT)
    part = tl.dot(x, load_weight(weight_ptr, tl.arange(0, C2), d, C, D, C, DOT))
    return activate(part + load_vector(bias_ptr, d, D), ACTIVATION, slope).to(DOT)


@kernel_jit
def _kernel(
    x_ptr, first_ptr, second_ptr, last_ptr, x_weight_ptr, x_bias_ptr, first_weight_ptr,
    first_bias_ptr, second_weight_ptr, second_bias_ptr, fuse_weight_ptr, fuse_bias_ptr,
    squeeze_weight_ptr, squeeze_bias_ptr, refined_ptr, squeezed_ptr, pixels, slope,
    C: tl.constexpr, D: tl.constexpr, E: tl.constexpr, C2: tl.constexpr, D2: tl.constexpr,
    E2: tl.constexpr, ACTIVATION: tl.constexpr, BLOCK: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: BLOCK pixels of all images, all channels
    start = tl.program_id(0).to(tl.int64) * BLOCK
    offset = tl.arange(0, BLOCK)[:, None]
    within = offset < pixels - start
    c, d, e = tl.arange(0, C2), tl.arange(0, D2), tl.arange(0, E2)
    place, inside = offset * C + c[None, :], within & (c < C)[None, :]

    # the last part needs no distillation, so it is fused first
    fuse = load_weight(fuse_weight_ptr + 3 * D, d, c, D, C, 4 * D, DOT)
    at = last_ptr + start * D + offset * D + d[None, :]
    part = tl.load(at, mask=within & (d < D)[None, :], other=0.0).to(DOT)
    refined = tl.dot(part, fuse)
    part = _distil(
        x_ptr + start * C, x_weight_ptr, x_bias_ptr, place, inside, slope,
        C, D, C2, D2, ACTIVATION, DOT,
    )  # fmt: skip
    refined = tl.dot(part, load_weight(fuse_weight_ptr, d, c, D, C, 4 * D, DOT), refined)
    part = _distil(
        first_ptr + start * C, first_weight_ptr, first_bias_ptr, place, inside, slope,
        C, D, C2, D2, ACTIVATION, DOT,
    )  # fmt: skip
    refined = tl.dot(part, load_weight(fuse_weight_ptr + D, d, c, D, C, 4 * D, DOT), refined)
    part = _distil(
        second_ptr + start * C, second_weight_ptr, second_bias_ptr, place, inside, slope,
        C, D, C2, D2, ACTIVATION, DOT,
    )  # fmt: skip
    refined = tl.dot(part, load_weight(fuse_weight_ptr + 2 * D, d, c, D, C, 4 * D, DOT), refined)

    refined += load_vector(fuse_bias_ptr, c, C)
    tl.store(refined_ptr + start * C + place, refined, mask=inside)
    squeeze = load_weight(squeeze_weight_ptr, c, e, C, E, C, DOT)
    squeezed = tl.dot(refined.to(DOT), squeeze) + load_vector(squeeze_bias_ptr, e, E)
    at = squeezed_ptr + start * E + offset * E + e[None, :]
    tl.store(at, squeezed, mask=within & (e < E)[None, :])


def _launch(
    x: Tensor, first: Tensor, second: Tensor, last: Tensor,
    x_weight: Tensor, x_bias: Tensor, first_weight: Tensor, first_bias: Tensor,
    second_weight: Tensor, second_bias: Tensor, fuse_weight: Tensor, fuse_bias: Tensor,
    squeeze_weight: Tensor, squeeze_bias: Tensor, activation: str, slope: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return refined and squeezed in channels_last."""
    planes = [channels_last(plane) for plane in (x, first, second, last)]
    weights = (
        x_weight, x_bias, first_weight, first_bias, second_weight, second_bias, fuse_weight,
        fuse_bias, squeeze_weight, squeeze_bias,
    )  # fmt: skip
    (images, features, height, width), inner = x.shape, squeeze_weight.shape[0]
    refined = torch.empty_like(planes[0])
    squeezed = torch.empty(
        (images, inner, height, width), dtype=x.dtype, device=x.device,
        memory_format=torch.channels_last,
    )  # fmt: skip
    pixels, distilled, wide = images * height * width, last.shape[1], padded(features)
    # with more features, fewer registers remain for pixels
    block = max(16, BLOCK * 64 // max(wide, 64))
    options = configuration("esdb_tail", x, BLOCK=block, num_warps=WARPS)
    with torch.cuda.device_of(x):
        _kernel[(cdiv(pixels, options["BLOCK"]),)](
            *planes, *(weight.contiguous() for weight in weights), refined, squeezed, pixels, slope,
            C=features, D=distilled, E=inner, C2=wide, D2=padded(distilled), E2=padded(inner),
            ACTIVATION=activation, DOT=dot_type(x.dtype), **options,
        )  # fmt: skip
    return refined, squeezed


_compute = register("esdb_tail", reference, _launch)


def esdb_tail(
    x: Tensor, first: Tensor, second: Tensor, last: Tensor,
    x_weight: Tensor, x_bias: Tensor, first_weight: Tensor, first_bias: Tensor,
    second_weight: Tensor, second_bias: Tensor, fuse_weight: Tensor, fuse_bias: Tensor,
    squeeze_weight: Tensor, squeeze_bias: Tensor, activation: str = "gelu", slope: float = 0.0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Distil three planes, fuse them with a fourth, and squeeze the result.

    Parameters
    ----------
    x, first, second : Tensor, (N, C, H, W)
        The planes to distil. Read as channels_last; other layouts are copied.
    last : Tensor, (N, D, H, W)
        The last distilled part, in the same layout.
    x_weight, first_weight, second_weight : Tensor, (D, C, 1, 1)
        The distilling 1x1 convolutions.
    x_bias, first_bias, second_bias : Tensor, (D,)
        Their biases.
    fuse_weight, fuse_bias : Tensor, (C, 4 * D, 1, 1) and (C,)
        The 1x1 convolution of the parts, in the order x, first, second, last.
    squeeze_weight, squeeze_bias : Tensor, (E, C, 1, 1) and (E,)
        The 1x1 convolution of the result.
    activation : str
        Activation of the distillations: "gelu", "relu", "leaky_relu", "hard_swish", "tanh" or
        "none".
    slope : float
        Factor of values below zero in "leaky_relu".

    Returns
    -------
    refined, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
        In the dtype of `x`; the kernel returns channels_last. It computes sums in float32, but
        rounds the distilled parts and both results.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the activation is unknown.
    """
    (images, features, height, width), distilled = x.shape, last.shape[1]
    inner, distil = squeeze_weight.shape[0], (distilled, features, 1, 1)
    check_shapes(
        "esdb_tail",
        first=(first, x.shape),
        second=(second, x.shape),
        last=(last, (images, distilled, height, width)),
        x_weight=(x_weight, distil),
        x_bias=(x_bias, (distilled,)),
        first_weight=(first_weight, distil),
        first_bias=(first_bias, (distilled,)),
        second_weight=(second_weight, distil),
        second_bias=(second_bias, (distilled,)),
        fuse_weight=(fuse_weight, (features, 4 * distilled, 1, 1)),
        fuse_bias=(fuse_bias, (features,)),
        squeeze_weight=(squeeze_weight, (inner, features, 1, 1)),
        squeeze_bias=(squeeze_bias, (inner,)),
    )
    check_activation("esdb_tail", activation)
    refined, squeezed = _compute(
        x, first, second, last, x_weight, x_bias, first_weight, first_bias, second_weight,
        second_bias, fuse_weight, fuse_bias, squeeze_weight, squeeze_bias, activation, slope,
    )  # fmt: skip
    return refined, squeezed


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    images, features, height, width = shape
    # a half and a quarter of the features, as in the networks
    distilled, inner = features // 2, features // 4
    planes = (*torch.randn(3, *shape), torch.randn(images, distilled, height, width))
    weights: list[Tensor] = []
    sizes = *3 * [(distilled, features)], (features, 4 * distilled), (inner, features)
    for outputs, inputs in sizes:
        weights += torch.randn(outputs, inputs, 1, 1) / inputs**0.5, torch.randn(outputs)
    return *(tensor.to(device, dtype) for tensor in (*planes, *weights)), "gelu", 0.0


def _bytes_moved(*arguments: Any) -> int:
    moved = sum(tensor.numel() for tensor in tensors_of(arguments))
    x, squeeze = arguments[0], arguments[-4]
    # the results: refined has the size of x
    moved += x.numel() + x[:, :1].numel() * squeeze.shape[0]
    return int(moved * x.element_size())


def _flops(x: Tensor, *arguments: Any) -> int:
    # two operations for each multiply-add of the five matrices; other operations are negligible
    return int(2 * x[:, :1].numel() * sum(weight.numel() for weight in arguments[3:13:2]))


OP = Op(esdb_tail, reference, _launch, _example, _bytes_moved, _flops)
