"""Count the floating-point operations of a network that runs on meta tensors.

Counts equal those of `torch.utils.flop_counter`, which is imported only for operations that no
network here has; see `meta_mode`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_sr.graph.meta_mode import MetaMode
from napari_sr.graph.meta_shapes import has_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

aten = torch.ops.aten

RARE = ("attention", "convolution", "_mm", "conv2d_forward")
"""Parts of the names of operations that torch may count besides `_FLOPS`."""


class FlopCounter(MetaMode):  # type: ignore[no-untyped-call]  # torch's has no types
    """A mode that counts two operations per multiply-add of convolutions and matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func.overloadpacket not in _FLOPS and not has_rule(func):
            with self:  # an operation that consists of others is counted by its parts
                whole = func.decompose(*args, **(kwargs or {}))
            if whole is not NotImplemented:
                return whole
        return super().__torch_dispatch__(func, types, args, kwargs)

    def follow(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Add the floating-point operations of an operation of torch to the total."""
        count = _FLOPS.get(func.overloadpacket)
        if count is not None:
            self.total += count(result, args)
        elif any(part in str(func.overloadpacket) for part in RARE):
            self.total += _counted_by_torch(func, args, kwargs, result)


def _counted_by_torch(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    from torch.utils.flop_counter import flop_registry

    formula = flop_registry.get(func.overloadpacket)
    return 0 if formula is None else int(formula(*args, **kwargs, out_val=result))


def _of_convolution(result: Tensor, args: tuple[Any, ...]) -> int:
    image, weight, transposed = args[0], args[1], args[6]
    return _of_filter(image if transposed else result, weight)


def _of_filter(where: Tensor, weight: Tensor) -> int:
    """Count the products of all weights at all pixels of a plane, (N, C, H, W)."""
    return 2 * where.shape[0] * where.shape[2:].numel() * weight.numel()


def _of_product(result: Tensor, args: tuple[Any, ...]) -> int:
    """Count (..., n, k) times (..., k, m): the product of the last two matrices in `args`."""
    *_, left, _right = (each for each in args[:3] if isinstance(each, torch.Tensor))
    return 2 * result.numel() * left.shape[-1]


_FLOPS: dict[object, Callable[[Tensor, tuple[Any, ...]], int]] = {
    aten.convolution: _of_convolution,
    aten.conv2d: lambda result, args: _of_filter(result, args[1]),
    aten.conv_transpose2d: lambda result, args: _of_filter(args[0], args[1]),
    aten.mm: _of_product,
    aten.addmm: _of_product,
    aten.bmm: _of_product,
    aten.baddbmm: _of_product,
}
