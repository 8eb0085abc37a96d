"""The shapes of the results of common operations on meta tensors.

Symbols: N images, C channels, H x W pixels.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from napari_sr.graph.meta_convolutions import either, ordinary, pooled, transposed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

aten = torch.ops.aten

Shape = tuple[int, ...]


def has_rule(func: Any) -> bool:
    """Return whether `empty_result` can handle an operation, at least with some arguments."""
    return func in _RULES or func in _CREATING


def empty_result(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Return the empty result of an operation on meta tensors; None if torch must compute it.

    Only contiguous tensors and usual types are handled, with arguments that are valid. The result
    is then contiguous, and of the same type as torch's would be. The result of an operation in
    place is its first argument.
    """
    if func in _CREATING:
        return _created(func, args, kwargs)
    rule = _RULES.get(func)
    if rule is None or kwargs:
        return None
    tensors = _tensors(args)
    dtype = _type_of(func, args, tensors)
    shape: Shape | None = None if dtype is None else rule(*args)
    if func == aten.add_.Tensor:
        return tensors[0] if (shape, dtype) == (tensors[0].shape, tensors[0].dtype) else None
    return None if shape is None else tensors[0].new_empty(shape, dtype=dtype)


def _type_of(func: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> torch.dtype | None:
    """Return the type of a result: that of all floats, or of integers if there are only such."""
    if not all(each.is_meta for each in tensors):
        return None
    if func in _COMPARING:
        return torch.bool
    types = {each.dtype for each in tensors[1 if func == aten.where.self else 0 :]}
    floats = {dtype for dtype in types if dtype.is_floating_point}
    if len(floats) == 1 and types <= floats | {torch.int64}:
        return floats.pop()
    whole = not any(isinstance(each, float) for each in args)
    return torch.int64 if types == {torch.int64} and whole and func in _OF_INTEGERS else None


def _created(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Return the empty result of `arange` that counts to an integer, or of `zeros_like`."""
    (given,) = args if len(args) == 1 else (None,)
    options = {key: value for key, value in kwargs.items() if value not in (None, False)}
    if func == aten.zeros_like.default:
        known = isinstance(given, Tensor) and given.is_meta and given.is_contiguous()
        return given.new_empty(given.shape) if known and given is not None and not options else None
    dtype, device = options.pop("dtype", torch.int64), options.pop("device", None)
    if type(given) is not int or device != torch.device("meta") or options:
        return None
    return torch.empty(given, dtype=dtype, device=device)


def _tensors(args: tuple[Any, ...]) -> list[Tensor]:
    """Return the tensors among the arguments, also those in a list at the first place."""
    first = args[0]
    among = (*first, *args[1:]) if isinstance(first, (list, tuple)) else args
    return [each for each in among if isinstance(each, Tensor)]


def _pointwise(*args: Any) -> Shape | None:
    """Return the shape of an operation that computes each value from those at the same place."""
    tensors = [each for each in args if isinstance(each, Tensor)]
    # the result has the order of axes in memory that its arguments have, if they have several axes
    if not all(each.is_contiguous() or max(each.shape) == each.numel() for each in tensors):
        return None
    if any(isinstance(each, complex) for each in args):
        return None
    shape = []
    for lengths in zip_longest(*(each.shape[::-1] for each in tensors), fillvalue=1):
        larger = {length for length in lengths if length != 1}
        if len(larger) > 1:
            return None
        shape.append(larger.pop() if larger else 1)
    return tuple(shape[::-1])


def _selected(x: Tensor, axis: int, index: Tensor) -> Shape | None:
    """Return the shape of `index_select`."""
    if index.ndim != 1 or not x.is_contiguous():
        return None
    shape = list(x.shape)
    shape[axis] = index.numel()
    return tuple(shape)


def _indexed(x: Tensor, index: Sequence[Tensor | None]) -> Shape | None:
    """Return the shape of `x[index]`, where the index has one tensor."""
    if len(index) != 1 or index[0] is None or index[0].dtype != torch.int64:
        return None
    return (*index[0].shape, *x.shape[1:])


def _prelu(x: Tensor, weight: Tensor) -> Shape | None:
    known = x.ndim == 4 and x.is_contiguous() and weight.shape in ((1,), (x.shape[1],))
    return tuple(x.shape) if known else None


def _joined(tensors: Sequence[Tensor], axis: int = 0) -> Shape | None:
    """Return the shape of `cat`."""
    first = tensors[0]
    if not all(each.ndim == first.ndim and each.is_contiguous() for each in tensors):
        return None
    shapes = [list(each.shape) for each in tensors]
    length = sum(shape.pop(axis) for shape in shapes)
    if any(shape != shapes[0] for shape in shapes):
        return None
    shapes[0].insert(axis % first.ndim, length)
    return tuple(shapes[0])


def _shuffled(x: Tensor, scale: int) -> Shape | None:
    """Return the shape of `pixel_shuffle`."""
    if x.ndim != 4 or scale < 1 or x.shape[1] % scale**2:
        return None
    count, channels, height, width = x.shape
    return count, channels // scale**2, height * scale, width * scale


def _reduced(x: Tensor, axes: Sequence[int] | None, keeps: bool = False) -> Shape | None:
    """Return the shape of a mean or sum over some axes."""
    if not axes:
        return None
    over = {axis % x.ndim for axis in axes}
    if keeps:
        return tuple(1 if axis in over else length for axis, length in enumerate(x.shape))
    return tuple(length for axis, length in enumerate(x.shape) if axis not in over)


def _resized(x: Tensor, size: Sequence[int] | None, *more: Any) -> Shape | None:
    """Return the shape of `upsample_bilinear2d`, if the size is given."""
    known = size is not None and x.ndim == 4 and x.is_contiguous()
    return (*x.shape[:2], *size) if known and size is not None else None


def _repeated(x: Tensor, times: Sequence[int]) -> Shape | None:
    if len(times) != x.ndim or not x.is_contiguous():
        return None
    return tuple(length * count for length, count in zip(x.shape, times, strict=True))


_CREATING = (aten.arange.default, aten.zeros_like.default)

_COMPARING = (aten.lt.Scalar, aten.le.Scalar)

_OF_INTEGERS = (
    aten.add.Tensor, aten.mul.Tensor, aten.rsub.Scalar, aten.remainder.Scalar,
    aten.floor_divide.default, aten.where.self, aten.index.Tensor,
)  # fmt: skip
"""Operations whose results are integers if their arguments are."""

_POINTWISE = (
    *_COMPARING, *_OF_INTEGERS[:-1], aten.add.Scalar, aten.sub.Tensor, aten.mul.Scalar,
    aten.div.Tensor, aten.pow.Tensor_Scalar, aten.relu.default, aten.leaky_relu.default,
    aten.gelu.default, aten.sigmoid.default, aten.tanh.default, aten.silu.default,
    aten.clamp.default, aten.square.default, aten.sqrt.default, aten.abs.default,
    aten.floor.default, aten.add_.Tensor,
)  # fmt: skip

_RULES: dict[Any, Callable[..., Shape | None]] = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    aten.index_select.default: _selected,
    aten.index.Tensor: _indexed,
    aten.conv2d.default: ordinary,
    aten.conv_transpose2d.input: transposed,
    aten.convolution.default: either,
    aten.prelu.default: _prelu,
    aten.cat.default: _joined,
    aten.pixel_shuffle.default: _shuffled,
    aten.mean.dim: _reduced,
    aten.sum.dim_IntList: _reduced,
    aten.max_pool2d.default: pooled,
    aten.upsample_bilinear2d.vec: _resized,
    aten.repeat.default: _repeated,
}
