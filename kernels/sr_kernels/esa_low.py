"""Three small convolutions in series on the pooled plane of enhanced spatial attention.

y = last(activate(second(activate(first(cells)))))

where each is a 3x3 convolution that keeps the size: Liu et al., 2020,
https://arxiv.org/abs/2009.11551. Each is dense, or a 1x1 and a depthwise 3x3: Li et al., 2022,
https://arxiv.org/abs/2205.05996; the kernel folds these two into one dense 3x3.

A plane of 51 x 28 cells, from an image of 320 x 180 pixels, leaves most of a GPU idle, so the
number of launches determines the time. Eager PyTorch launches 8 to 11 kernels, this op only one, so
at best it is 8 to 11 times as fast. For its 4 x 8 cells, a program also computes the cells around
them that the later convolutions need: 8 x 12 cells in the first and 6 x 10 in the second
convolution. It stores them in memory that no other program uses.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sr_kernels._activation import activate, activated, check_activation
from sr_kernels._configuration import configuration
from sr_kernels._folded3x3 import check, convolve, convolve_tile
from sr_kernels._matrix import LEAST_DOT, channels_last, dot_type, laid_out, padded
from sr_kernels._op import Op, register, tensors_of
from sr_kernels._rows import is_inside
from sr_kernels._triton import INTERPRETED, cdiv, kernel_jit, tl

ROWS, COLUMNS = (28, 28) if INTERPRETED else (4, 8)
"""Cells of a program. With the cells around them, they fill matrices of 128, 64 and 32 rows. In the
interpreter, programs are large, because each takes a fifth of a second whatever its size."""
SOURCES = 64
"""Smallest number of columns of these matrices: 16 features times four taps. The fourth tap is
zero, because a convolution has three in a row."""
WARPS = 4
"""Number of warps for 16 features; it grows with the features, up to four times."""


def reference(cells: Tensor, *arguments: Any) -> Tensor:
    """Compute `esa_low` in plain PyTorch."""
    *weights, activation, slope = arguments
    y = activated(convolve(cells, *weights[:4]), activation, slope)
    y = activated(convolve(y, *weights[4:8]), activation, slope)
    return convolve(y, *weights[8:])


@kernel_jit
def _kernel(
    x_ptr,
    first_ptr, first_bias_ptr, first_pointwise_ptr, first_between_ptr,
    second_ptr, second_bias_ptr, second_pointwise_ptr, second_between_ptr,
    last_ptr, last_bias_ptr, last_pointwise_ptr, last_between_ptr,
    passed_ptr, y_ptr, height, width, slope,
    E: tl.constexpr, E2: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    FIRST: tl.constexpr, SECOND: tl.constexpr, LAST: tl.constexpr,
    TAPS: tl.constexpr, ACTIVATION: tl.constexpr, DOT: tl.constexpr,
):  # fmt: skip
    # one program: ROWS x COLUMNS cells of one image; two more cells on each side in the first
    # convolution and one more in the second, rounded up to a power of two
    across, down = tl.cdiv(width, COLUMNS), tl.cdiv(height, ROWS)
    image = (tl.program_id(0) // (across * down)).to(tl.int64)
    top = tl.program_id(0) // across % down * ROWS
    left = tl.program_id(0) % across * COLUMNS
    feature = tl.arange(0, E2)[None, :]
    x_ptr += image * height * width * E
    y_ptr += image * height * width * E
    WIDER: tl.constexpr = COLUMNS + 4
    WIDE: tl.constexpr = COLUMNS + 2
    passed_ptr += tl.program_id(0).to(tl.int64) * ((ROWS + 4) * WIDER + (ROWS + 2) * WIDE) * E2
    further_ptr = passed_ptr + (ROWS + 4) * WIDER * E2

    cell = tl.arange(0, FIRST)
    row, column = top + cell // WIDER - 2, left + cell % WIDER - 2
    known = cell < (ROWS + 4) * WIDER
    value = convolve_tile(
        x_ptr, row * width + column, width, row, column, known, height, width,
        first_ptr, first_bias_ptr, first_pointwise_ptr, first_between_ptr, E, E2, E, TAPS, DOT,
    )  # fmt: skip
    at = cell[:, None] * E2 + feature
    tl.store(passed_ptr + at, activate(value, ACTIVATION, slope), mask=known[:, None])
    tl.debug_barrier()  # from here on, all threads of this program see the stored values

    cell = tl.arange(0, SECOND)
    row, column = top + cell // WIDE - 1, left + cell % WIDE - 1
    known = cell < (ROWS + 2) * WIDE
    value = convolve_tile(
        passed_ptr, (cell // WIDE + 1) * WIDER + cell % WIDE + 1, WIDER, row, column, known,
        height, width,
        second_ptr, second_bias_ptr, second_pointwise_ptr, second_between_ptr, E, E2, E2, TAPS, DOT,
    )  # fmt: skip
    at = cell[:, None] * E2 + feature
    tl.store(further_ptr + at, activate(value, ACTIVATION, slope), mask=known[:, None])
    tl.debug_barrier()

    cell = tl.arange(0, LAST)
    row, column = top + cell // COLUMNS, left + cell % COLUMNS
    known = cell < ROWS * COLUMNS
    value = convolve_tile(
        further_ptr, (cell // COLUMNS + 1) * WIDE + cell % COLUMNS + 1, WIDE, row, column, known,
        height, width,
        last_ptr, last_bias_ptr, last_pointwise_ptr, last_between_ptr, E, E2, E2, TAPS, DOT,
    )  # fmt: skip
    at = (row * width + column)[:, None] * E + feature
    inside = (known & is_inside(row, column, height, width))[:, None] & (feature < E)
    tl.store(y_ptr + at, value, mask=inside)


def _launch(
    cells: Tensor,
    first: Tensor,
    first_bias: Tensor,
    first_pointwise: Tensor | None,
    first_between: Tensor | None,
    second: Tensor,
    second_bias: Tensor,
    second_pointwise: Tensor | None,
    second_between: Tensor | None,
    last: Tensor,
    last_bias: Tensor,
    last_pointwise: Tensor | None,
    last_between: Tensor | None,
    activation: str,
    slope: float,
) -> Tensor:
    """Return y in channels_last."""
    x = channels_last(cells)
    images, inner, height, width = x.shape
    y = torch.empty_like(x)
    wide = padded(inner)
    warps = min(WARPS * wide // LEAST_DOT, 4 * WARPS)
    options = configuration("esa_low", x, ROWS=ROWS, COLUMNS=COLUMNS, num_warps=warps)
    rows, columns = options["ROWS"], options["COLUMNS"]
    sizes = [(rows + more) * (columns + more) for more in (4, 2, 0)]
    programs = images * cdiv(height, rows) * cdiv(width, columns)
    passed = torch.empty((programs, sum(sizes[:2]), wide), dtype=x.dtype, device=x.device)
    weights = (
        first, first_bias, first_pointwise, first_between, second, second_bias, second_pointwise,
        second_between, last, last_bias, last_pointwise, last_between,
    )  # fmt: skip
    with torch.cuda.device_of(x):
        _kernel[(programs,)](
            x, *map(laid_out, weights), passed, y, height, width, slope, E=inner, E2=wide,
            FIRST=padded(sizes[0]), SECOND=padded(sizes[1]), LAST=padded(sizes[2]),
            TAPS=max(SOURCES // wide, 1), ACTIVATION=activation, num_stages=1,
            # the interpreter takes minutes to multiply in half precision
            DOT=tl.float32 if INTERPRETED else dot_type(x.dtype), **options,
        )  # fmt: skip
    return y


_compute = register("esa_low", reference, _launch)


def esa_low(
    cells: Tensor,
    first: Tensor,
    first_bias: Tensor,
    first_pointwise: Tensor | None,
    first_between: Tensor | None,
    second: Tensor,
    second_bias: Tensor,
    second_pointwise: Tensor | None,
    second_between: Tensor | None,
    last: Tensor,
    last_bias: Tensor,
    last_pointwise: Tensor | None,
    last_between: Tensor | None,
    activation: str = "gelu",
    slope: float = 0.0,
) -> Tensor:
    """Convolve 3x3 three times, with an activation after the first and the second.

    Parameters
    ----------
    cells : Tensor, (N, E, h, w)
        Read as channels_last; other layouts are copied.
    first, second, last : Tensor, (E, E, 3, 3), or (E, 1, 3, 3) after a 1x1
        The 3x3, dense or depthwise, padded with one zero on each side.
    first_bias, second_bias, last_bias : Tensor, (E,)
        Bias of the 3x3 convolution.
    first_pointwise, second_pointwise, last_pointwise : Tensor, (E, E, 1, 1), or None
        The 1x1 before a depthwise 3x3.
    first_between, second_between, last_between : Tensor, (E,), or None
        Bias of the 1x1. It is not added to the padding of the 3x3, which is zero.
    activation : str
        "none", "gelu", "relu", "leaky_relu", "hard_swish" or "tanh".
    slope : float
        Factor of values below zero in "leaky_relu".

    Returns
    -------
    Tensor, (N, E, h, w)
        In the dtype of `cells`. The kernel computes in float32, but rounds the folded weights (for
        the matrix unit) and the result of each convolution.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a 1x1 has a bias but no weight, or the activation is
        unknown.
    """
    weights = {
        "first": (first, first_bias, first_pointwise, first_between),
        "second": (second, second_bias, second_pointwise, second_between),
        "last": (last, last_bias, last_pointwise, last_between),
    }
    for name, one in weights.items():
        check("esa_low", name, cells.shape[1], one)
    check_activation("esa_low", activation)
    flat = (tensor for one in weights.values() for tensor in one)
    result: Tensor = _compute(cells, *flat, activation, slope)
    return result


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    inner = shape[1]

    def drawn(*size: int, share: float = 1.0) -> Tensor:
        return (torch.randn(size) * share).to(device, dtype)

    def separable() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mixing = drawn(inner, inner, 1, 1, share=inner**-0.5)
        return drawn(inner, 1, 3, 3, share=1 / 3), drawn(inner), mixing, drawn(inner)

    return drawn(*shape), *separable(), *separable(), *separable(), "gelu", 0.0


def _bytes_moved(*arguments: Any) -> int:
    tensors = tensors_of(arguments)
    # `cells` counts twice, because the result has its size
    return sum(tensor.numel() * tensor.element_size() for tensor in [tensors[0], *tensors])


def _flops(cells: Tensor, *_: Any) -> int:
    # three dense 3x3 convolutions, whether folded or not
    return cells.numel() * 3 * 18 * cells.shape[1]


OP = Op(esa_low, reference, _launch, _example, _bytes_moved, _flops)
