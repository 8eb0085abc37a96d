"""The shapes of the results of convolutions and pooling, from the arguments of torch's operations.

Each function returns None if torch must compute the shape, or raise an error.

Symbols: N images, C and D input and output channels, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Shape = tuple[int, ...]


def ordinary(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Shape | None:
    """Return the shape of conv2d: x is (N, C, H, W), weight (D, C / groups, rows, columns)."""
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != groups * weight.shape[1]:
        return None
    lengths = [
        (length + 2 * pad - gap * (side - 1) - 1) // step + 1
        for length, pad, gap, side, step in zip(
            x.shape[2:], _two(padding), _two(dilation), weight.shape[2:], _two(stride), strict=True
        )
    ]
    return (x.shape[0], weight.shape[0], *lengths) if min(lengths) > 0 else None


def _two(lengths: Sequence[int]) -> Sequence[int]:
    """Return one length per axis; an argument may be a single one."""
    return [*lengths, *lengths] if len(lengths) == 1 else lengths


def transposed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    output_padding: Sequence[int] = (0, 0),
    groups: int = 1,
    dilation: Sequence[int] = (1, 1),
) -> Shape | None:
    """Return the shape of conv_transpose2d: weight is (C, D / groups, rows, columns)."""
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != weight.shape[0]:
        return None
    lengths = [
        (length - 1) * step - 2 * pad + gap * (side - 1) + more + 1
        for length, step, pad, gap, side, more in zip(
            x.shape[2:],
            _two(stride),
            _two(padding),
            _two(dilation),
            weight.shape[2:],
            _two(output_padding),
            strict=True,
        )
    ]
    return (x.shape[0], groups * weight.shape[1], *lengths) if min(lengths) > 0 else None


def either(x: Tensor, weight: Tensor, *more: Any) -> Shape | None:
    """Return the shape of `convolution`, which may be transposed."""
    bias, stride, padding, dilation, is_transposed, output_padding, groups = more
    if is_transposed:
        return transposed(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return ordinary(x, weight, bias, stride, padding, dilation, groups)


def pooled(x: Tensor, side: Sequence[int], stride: Sequence[int] = ()) -> Shape | None:
    """Return the shape of `max_pool2d` without padding: x is (N, C, H, W)."""
    if x.ndim != 4 or not x.is_contiguous():
        return None
    steps = _two(stride or side)
    lengths = [
        (length - each) // step + 1
        for length, each, step in zip(x.shape[2:], _two(side), steps, strict=True)
    ]
    return (*x.shape[:2], *lengths) if min(lengths) > 0 else None
