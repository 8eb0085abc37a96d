"""Gate pixels as `esa_tail`, and gather the moments of every gated plane in the same pass.

y = esa_tail(x, squeezed, low), then mean and m2 = plane_moments(y)

the end of enhanced spatial attention before contrast-aware channel attention, as in BSRN's blocks:
Li et al., 2022, https://arxiv.org/abs/2205.05996. The moments are those of the sums in float32,
before they are rounded; each program leaves its part of them, and a second kernel merges the parts.

Bytes, for p pixels of C features, E of them inside, of e bytes each: eager PyTorch moves
p(6C + 7E)e to gate and pC(e + 28) for the moments; the kernel moves p(2C + E)e. With E = C / 4 in
half precision it is at best 10 times as fast. Against `esa_tail` and `plane_moments` it saves
the latter's pCe, of 3.25.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor  # noqa: TC002 - the operator's schema is made of annotations

from sr_kernels import esa_tail, plane_moments
from sr_kernels._esa import check, run_with_moments
from sr_kernels._op import Op, register

if TYPE_CHECKING:
    import torch


def reference(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute `esa_moments` in plain PyTorch."""
    y = esa_tail.reference(
        x, squeezed, low, skip_weight, skip_bias, excite_weight, excite_bias,
        top, left, full_height, full_width,
    )  # fmt: skip
    return y, *plane_moments.reference(y)


def _launch(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return y in channels_last, mean and m2."""
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    window = (top, left, full_height, full_width)
    return run_with_moments("esa_moments", (x, squeezed, low), weights, window)


_compute = register("esa_moments", reference, _launch)


def esa_moments(
    x: Tensor,
    squeezed: Tensor,
    low: Tensor,
    skip_weight: Tensor,
    skip_bias: Tensor,
    excite_weight: Tensor,
    excite_bias: Tensor,
    top: int,
    left: int,
    full_height: int,
    full_width: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gate a piece of an image by ESA, and return the moments of the result with it.

    Parameters
    ----------
    x, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
        The piece, of at least one pixel.
    low, skip_weight, skip_bias, excite_weight, excite_bias : Tensor
        As in `esa_tail`.
    top, left, full_height, full_width : int
        Where the piece lies in the whole image, in pixels.

    Returns
    -------
    y : Tensor, (N, C, H, W)
        As `esa_tail` returns it.
    mean, m2 : Tensor, (N, C, 1, 1)
        Of `y`, as `plane_moments` returns them, but from the kernel before it is rounded.

    Raises
    ------
    ValueError
        If the shapes do not fit together, there are no pixels, or the piece does not lie in the
        image.
    """
    if x.ndim != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"esa_moments needs (N, C, H, W) with pixels, got {tuple(x.shape)}")
    window = (top, left, full_height, full_width)
    weights = (skip_weight, skip_bias, excite_weight, excite_bias)
    check("esa_moments", (x, squeezed, low), weights, window)
    y, mean, m2 = _compute(x, squeezed, low, *weights, *window)
    return y, mean, m2


def _example(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> tuple[Any, ...]:
    return esa_tail.OP.example(shape, dtype, device)


def _bytes_moved(x: Tensor, *rest: Any) -> int:
    # mean and m2 of every plane beside it
    return esa_tail.OP.bytes_moved(x, *rest) + 2 * 4 * x.shape[0] * x.shape[1]


def _flops(x: Tensor, *rest: Any) -> int:
    return esa_tail.OP.flops(x, *rest) + plane_moments.OP.flops(x)


OP = Op(esa_moments, reference, _launch, _example, _bytes_moved, _flops)
