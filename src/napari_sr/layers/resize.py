"""Resample tensors as MATLAB's `imresize` does: bicubic, bilinear and Lanczos.

The field trains and evaluates on images that MATLAB shrank. Four details of MATLAB each change the
second decimal of a PSNR: the cubic kernel (Keys, 1981, with a = -0.5), the widening of the kernel
when shrinking (antialiasing), the mirrored border, and, for 8-bit images, rounding between the two
passes. This module resamples the inputs of networks that start from an enlarged image, the chroma
of luma networks, the training data and the evaluation.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
Acoustics, Speech and Signal Processing 29(6), 1981.
Duchon, "Lanczos filtering in one and two dimensions", Journal of Applied Meteorology 18(8), 1979.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Kernel:
    """The weight of an input pixel as a function of its distance."""

    weigh: Callable[[Tensor], Tensor]
    """Takes distances of any shape, in input pixels; returns weights, which are 0 at all integers
    except 0."""
    reach: int
    """Radius of the kernel when enlarging, in input pixels."""


def linear(distance: Tensor) -> Tensor:
    """Evaluate the triangular kernel at distances of any shape, in input pixels."""
    return (1 - distance.abs()).clamp_min(0)


def cubic(distance: Tensor) -> Tensor:
    """Evaluate Keys' cubic kernel (a = -0.5) at distances of any shape, in input pixels."""
    x = distance.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))


def lanczos(distance: Tensor) -> Tensor:
    """Evaluate Lanczos' kernel of three lobes at distances of any shape, in input pixels."""
    x = distance.abs()
    value = torch.sinc(x) * torch.sinc(x / 3)
    # at integer distances, a rounded sine is not exactly zero
    inside = (x < 3) & ((x != x.round()) | (x == 0))
    return torch.where(inside, value, torch.zeros_like(x))


METHODS = {
    "bilinear": Kernel(linear, 1),
    "bicubic": Kernel(cubic, 2),
    "lanczos": Kernel(lanczos, 3),
}


SHRINKING = 2
"""A shrunk pixel depends on the pixels up to this distance from it, in pixels of its size."""


def radius_of(scale: int, beyond: int = 0, method: str = "bicubic") -> int:
    """Return the radius of an enlargement, in input pixels.

    Parameters
    ----------
    scale : int
        Enlargement factor.
    beyond : int
        Radius of a following operation, in output pixels.
    method : str
        As for `imresize`.
    """
    if scale == 1:
        return beyond
    # twice the distance of the furthest output pixel, in output pixels
    furthest = scale - 1 + 2 * beyond
    return METHODS[method].reach + (furthest - 1) // (2 * scale)


def _mirror(index: Tensor, size: int) -> Tensor:
    """Reflect indices outside 0..size-1 back inside, repeating the edge sample."""
    index = index % (2 * size)
    return torch.where(index < size, index, 2 * size - 1 - index)


def _taps(
    output: int, scale: Fraction, antialias: bool, kernel: Kernel, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the input indices and weights of each output sample, both (output, taps).

    They are computed on the device, because a CUDA graph cannot copy them there. Weights repeat: at
    a scale of p / q, p output samples correspond to q input samples. So the weights are independent
    of the image's size, and an exported network resizes images of any size.
    """
    period, pitch = scale.numerator, scale.denominator
    shrink = min(float(scale), 1.0) if antialias else 1.0
    width = 2 * kernel.reach / shrink
    # position of output sample k (from 0) on the input's axis; samples are pixel centres
    centre = (torch.arange(period, dtype=torch.float64, device=device) + 0.5) / float(scale) - 0.5
    first = torch.floor(centre - width / 2) + 1
    index = first[:, None] + torch.arange(math.ceil(width) + 1, dtype=torch.float64, device=device)
    weight = kernel.weigh((centre[:, None] - index) * shrink)
    weight = weight / weight.sum(dim=1, keepdim=True)
    sample = torch.arange(output, device=device)
    phase, turn = sample % period, sample // period
    return index.long()[phase] + turn[:, None] * pitch, weight[phase]


def _resize_axis(
    image: Tensor, dim: int, scale: Fraction, antialias: bool, kernel: Kernel
) -> Tensor:
    size = image.shape[dim]
    output = -(-size * scale.numerator // scale.denominator)
    # Apple's GPUs have no float64
    device = torch.device("cpu") if image.device.type == "mps" else image.device
    index, weight = _taps(output, scale, antialias, kernel, device)
    index = _mirror(index, size).to(image.device)
    weight = weight.to(image.device, image.dtype)
    shape = [1] * image.ndim
    shape[dim] = -1
    taps = zip(index.unbind(1), weight.unbind(1), strict=True)
    shares = (image.index_select(dim, at) * share.reshape(shape) for at, share in taps)
    result = next(shares)
    for share in shares:
        result += share
    return result


def resize_axis(image: Tensor, dim: int, scale: Fraction, method: str = "bicubic") -> Tensor:
    """Resize a tensor along one axis, as `imresize` does along H and W.

    Parameters
    ----------
    image : Tensor
        float32 or float64, of any number of axes.
    dim : int
        The axis.
    scale : Fraction
        Output size over input size, above 0.
    method : str
        As for `imresize`.
    """
    return _resize_axis(image, dim, scale, True, METHODS[method])


def axis_taps(size: int, scale: Fraction, method: str = "bicubic") -> tuple[Tensor, Tensor]:
    """Return the samples from which `resize_axis` computes each sample, and their weights.

    Parameters
    ----------
    size : int
        Number of samples before resizing.
    scale, method
        As for `resize_axis`.

    Returns
    -------
    Tensor, Tensor, (ceil(size * scale), taps)
        int64 indices from 0 to size - 1, and float64 weights. The products are added in this order.
    """
    output = -(-size * scale.numerator // scale.denominator)
    index, weight = _taps(output, scale, True, METHODS[method], torch.device("cpu"))
    return _mirror(index, size), weight


def corrected(image: Tensor, result: Tensor, scale: int) -> Tensor:
    """Correct a result, (..., S * H, S * W), by its difference from an image, (..., H, W).

    The result is shrunk and subtracted from the image; the enlarged difference is added to the
    result. Both operations are bicubic.
    """
    missing = image - imresize(result, Fraction(1, scale))
    return result + imresize(missing, scale)


def imresize(
    image: Tensor,
    scale: float | Fraction,
    *,
    antialias: bool = True,
    largest: int | None = None,
    method: str = "bicubic",
) -> Tensor:
    """Resize an image by interpolation, equal to MATLAB's `imresize(image, scale)`.

    Parameters
    ----------
    image : Tensor, (..., H, W)
        Floats of any range. Half precision is computed in float32.
    scale : float or Fraction
        Output size over input size: 4 enlarges four times, `Fraction(1, 3)` shrinks to a third.
        The output has `ceil(size * scale)` samples along each axis.
    antialias : bool
        Whether to widen the kernel when shrinking, as MATLAB does by default.
    largest : int, optional
        If given, round to integers in 0..largest after each of the two passes, as MATLAB does for
        integer types: 255 for uint8.
    method : str
        "bilinear", "bicubic" or "lanczos", which MATLAB calls "lanczos3".

    Returns
    -------
    Tensor, (..., ceil(H * scale), ceil(W * scale))
        In the dtype of `image`.

    Raises
    ------
    ValueError
        If the image is empty or not of float type, the scale is not positive, or the method is
        unknown.
    """
    if image.ndim < 2 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(
            "imresize needs a non-empty float tensor (..., H, W), got "
            f"{image.dtype} {tuple(image.shape)}"
        )
    exact = Fraction(scale).limit_denominator(10_000)
    if exact <= 0:
        raise ValueError(f"imresize needs a scale above 0, got {scale}")
    if method not in METHODS:
        raise ValueError(f"imresize needs one of {', '.join(METHODS)}, got method={method!r}")
    result = image if image.dtype == torch.float64 else image.float()
    for dim in (-2, -1):
        result = _resize_axis(result, image.ndim + dim, exact, antialias, METHODS[method])
        if largest is not None:
            # MATLAB rounds halves away from zero; torch.round would round them to even
            result = torch.floor(result.clamp(0, largest) + 0.5)
    return result.to(image.dtype)
