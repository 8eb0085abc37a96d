"""A 3x3 convolution inside a kernel: dense, or a 1x1 and a depthwise 3x3, folded into a dense 3x3.

The depthwise weight, (E, 1, 3, 3), times the weight of the 1x1, (E, E), is a dense 3x3, (E, E, 3,
3). If the 1x1 has a bias, every tap inside the plane adds the bias times the tap's weight.

Symbols: E features, h x w cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn import functional

from sr_kernels._matrix import load_vector, load_weight
from sr_kernels._op import check_shapes
from sr_kernels._rows import is_inside
from sr_kernels._triton import tl, triton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def check(op: str, name: str, inner: int, weights: Sequence[Tensor | None]) -> None:
    """Check that the weights of a 3x3 convolution and of the 1x1 before it fit together.

    Parameters
    ----------
    op, name : str
        Names of the op and of the 3x3 convolution, for error messages.
    inner : int
        Required number of features E.
    weights : sequence of Tensor
        Weight and bias of the 3x3, (E, E, 3, 3) or (E, 1, 3, 3) and (E,); then of the 1x1 before
        it, (E, E, 1, 1) and (E,), or None.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a 1x1 has a bias but no weight.
    """
    weight, bias, pointwise, between = weights
    shapes: dict[str, Any] = {
        name: (weight, (inner, inner if pointwise is None else 1, 3, 3)),
        f"{name}_bias": (bias, (inner,)),
        f"{name}_pointwise": (pointwise, (inner, inner, 1, 1)),
        f"{name}_between": (between, (inner,)),
    }
    check_shapes(op, **shapes)
    if between is not None and pointwise is None:
        raise ValueError(
            f"{op} needs {name}_pointwise for {name}_between {tuple(between.shape)}, got None"
        )


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, pointwise: Tensor | None, between: Tensor | None
) -> Tensor:
    """Convolve (N, E, h, w) by the 1x1 if it exists, then by the 3x3, in plain PyTorch."""
    groups = 1
    if pointwise is not None:
        x, groups = functional.conv2d(x, pointwise, between), weight.shape[0]
    return functional.conv2d(x, weight, bias, padding=1, groups=groups)


@triton.jit
def load_mixing(pointwise_ptr, source, output, E: tl.constexpr):
    """Return the weight of the 1x1 before a 3x3, (sources, outputs) in float32, or None."""
    if pointwise_ptr is None:
        return None
    else:
        return load_weight(pointwise_ptr, source, output, E, E, E, tl.float32)


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
def load_taps_of_row(weight_ptr, mixing, row: tl.constexpr, source, output, E: tl.constexpr, DOT):
    """Return the three taps of one row of the 3x3, each (sources, outputs), padded with zeros."""
    left = _load_tap(weight_ptr, mixing, row * 3, source, output, E, DOT)
    centre = _load_tap(weight_ptr, mixing, row * 3 + 1, source, output, E, DOT)
    right = _load_tap(weight_ptr, mixing, row * 3 + 2, source, output, E, DOT)
    return left, centre, right


@triton.jit
def _load_weights(
    weight_ptr, mixing, down, first, E: tl.constexpr, E2: tl.constexpr, TAPS: tl.constexpr, DOT
):  # fmt: skip
    """Return TAPS taps of one row of a 3x3, starting at `first`: (taps * sources, outputs)."""
    output = tl.arange(0, E2)
    if mixing is None:
        each = tl.arange(0, TAPS * E2)
        tap, source = first + each // E2, each % E2
        inside = ((tap < 3) & (source < E))[:, None] & (output < E)[None, :]
        at = (output[None, :] * 9 + down * 3 + tap[:, None]) * E + source[:, None]
        return tl.load(weight_ptr + at, mask=inside, other=0.0).to(DOT)
    else:
        tap = first + tl.arange(0, TAPS)[:, None]
        inside = (tap < 3) & (output < E)[None, :]
        at = output[None, :] * 9 + down * 3 + tap
        taps = tl.load(weight_ptr + at, mask=inside, other=0.0).to(tl.float32)
        return tl.reshape(mixing[None, :, :] * taps[:, None, :], (TAPS * E2, E2)).to(DOT)


@triton.jit
def _load_cells(
    x_ptr, at, pitch, row, column, known, height, width, down, first,
    E: tl.constexpr, E2: tl.constexpr, STRIDE: tl.constexpr, TAPS: tl.constexpr, DOT,
):  # fmt: skip
    """Return the inputs of cells for the taps of `_load_weights`: (cells, taps * sources)."""
    each = tl.arange(0, TAPS * E2)
    tap, source = first + each // E2, each % E2
    place = column[:, None] + tap[None, :] - 1
    inside = is_inside((row + down - 1)[:, None], place, height, width) & known[:, None]
    inside &= ((tap < 3) & (source < E))[None, :]
    at = (at + (down - 1) * pitch)[:, None] * STRIDE + ((tap - 1) * STRIDE + source)[None, :]
    return tl.load(x_ptr + at, mask=inside, other=0.0).to(DOT)


@triton.jit
def _weigh_between(
    row, column, height, width, weight_ptr, between_ptr, E: tl.constexpr, E2: tl.constexpr, DOT
):  # fmt: skip
    """Return what the bias of the 1x1 adds to the result, summed over all taps inside the plane."""
    feature, tap = tl.arange(0, E2)[None, :], tl.arange(0, 16)
    weight = tl.load(
        weight_ptr + feature * 9 + tap[:, None],
        mask=(tap < 9)[:, None] & (feature < E), other=0.0,
    )  # fmt: skip
    weight = weight.to(tl.float32) * load_vector(between_ptr, tl.arange(0, E2), E)
    across = column[:, None] + (tap % 3 - 1)[None, :]
    inside = is_inside(row[:, None] + (tap // 3 - 1)[None, :], across, height, width)
    return tl.dot(inside.to(DOT), weight.to(DOT), input_precision="ieee")


@triton.jit
def convolve_tile(
    x_ptr, at, pitch, row, column, known, height, width,
    weight_ptr, bias_ptr, pointwise_ptr, between_ptr,
    E: tl.constexpr, E2: tl.constexpr, STRIDE: tl.constexpr, TAPS: tl.constexpr, DOT,
):  # fmt: skip
    """Return the folded 3x3 convolution of cells: (cells, features) of float32."""
    mixing = load_mixing(pointwise_ptr, tl.arange(0, E2), tl.arange(0, E2), E)
    value = tl.zeros((row.shape[0], E2), tl.float32)
    cells = (x_ptr, at, pitch, row, column, known, height, width)
    if TAPS == 4:
        # load everything first, because loads after a product would wait at its barrier
        above = _load_cells(*cells, 0, 0, E, E2, STRIDE, TAPS, DOT)
        level = _load_cells(*cells, 1, 0, E, E2, STRIDE, TAPS, DOT)
        below = _load_cells(*cells, 2, 0, E, E2, STRIDE, TAPS, DOT)
        weight = _load_weights(weight_ptr, mixing, 0, 0, E, E2, TAPS, DOT)
        value = tl.dot(above, weight, value, input_precision="ieee")
        weight = _load_weights(weight_ptr, mixing, 1, 0, E, E2, TAPS, DOT)
        value = tl.dot(level, weight, value, input_precision="ieee")
        weight = _load_weights(weight_ptr, mixing, 2, 0, E, E2, TAPS, DOT)
        value = tl.dot(below, weight, value, input_precision="ieee")
    else:
        for down in range(3):
            for first in range(0, 3, TAPS):
                x = _load_cells(*cells, down, first, E, E2, STRIDE, TAPS, DOT)
                weight = _load_weights(weight_ptr, mixing, down, first, E, E2, TAPS, DOT)
                value = tl.dot(x, weight, value, input_precision="ieee")
    if between_ptr is not None:
        value += _weigh_between(row, column, height, width, weight_ptr, between_ptr, E, E2, DOT)
    return value + load_vector(bias_ptr, tl.arange(0, E2), E)
