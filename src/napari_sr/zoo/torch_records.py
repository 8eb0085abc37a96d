"""The names in a PyTorch file's pickle, and their records: tensors without values.

A pickle calls functions to make tensors, such as `torch._utils._rebuild_tensor_v2`. Here, they are
replaced by functions that only record their arguments.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.stored_tensor import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

_STORAGES = {
    "Double": torch.float64, "Float": torch.float32, "Half": torch.float16,
    "BFloat16": torch.bfloat16, "Long": torch.int64, "Int": torch.int32, "Short": torch.int16,
    "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool,
    "ComplexDouble": torch.complex128, "ComplexFloat": torch.complex64,
}  # fmt: skip
"""Element types by the names of PyTorch's classes of storages."""
_QUANTISED = ("QUInt8", "QInt8", "QInt32", "QUInt4x2", "QUInt2x4")
_INERT = {
    "torch.Tensor", "torch.device", "torch.serialization._get_layout", "builtins.set",
    "builtins.bytearray", "builtins.complex", "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer", "torch.per_tensor_affine", "torch.per_tensor_symmetric",
    "torch.per_channel_affine", "torch.per_channel_symmetric",
    "torch.per_channel_affine_float_qparams",
}  # fmt: skip
"""Names of harmless objects that checkpoints contain besides weights; they are ignored."""
_NEGATED = "a negative view of its values (save its resolve_neg())"
_CORES = ("core", "_core")
"""NumPy's inner packages, before and since its version 2."""
_KEYS = (str, int, float, bool, bytes, type(None))
"""Allowed types of keys; hashing nested tuples could recurse without a limit."""


@dataclass(frozen=True)
class Storage:
    """A part of one block of values in the file."""

    key: str
    dtype: torch.dtype | None
    """Type of the elements; None if each tensor states its own."""
    size: int
    """Number of elements; if `dtype` is None, number of bytes."""
    shift: int = 0
    """Number of elements in the block before this part."""


@dataclass(frozen=True)
class PickledTensor:
    """A tensor in a pickle."""

    storage: Storage
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def mapping(*arguments: Any) -> dict[Any, Any]:
    """Make a dict from pairs or another dict; replaces `OrderedDict` and `Counter`."""
    (items,) = arguments or ((),)
    pairs = items.items() if isinstance(items, dict) else items
    result: dict[Any, Any] = {}
    for key, value in pairs:
        put(result, key, value)
    return result


def put(target: object, key: object, value: object) -> None:
    """Put a value into a dict.

    Raises
    ------
    RefusedError
        If the key is repeated.
    pickle.UnpicklingError
        If the target is not a dict, or the key has another type.
    """
    if not isinstance(target, dict) or type(key) not in _KEYS:
        raise pickle.UnpicklingError(
            f"a key must be a string or a number, got {type(key).__name__}"
        )
    if key in target:
        raise RefusedError(f"is not a checkpoint: it has the key {key!r} twice")
    target[key] = value


def _tensor(
    storage: Any, offset: Any, shape: Any, stride: Any, grad: Any = None, hooks: Any = None,
    bits: Any = None, *_: Any,
) -> PickledTensor | Unusable:  # fmt: skip
    if _is_negated(bits):
        return Unusable(_NEGATED)
    return _typed(storage, offset, shape, stride, getattr(storage, "dtype", None))


def _tensor_with_type(
    storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, dtype: Any,
    bits: Any = None, *_: Any,
) -> PickledTensor | Unusable:  # fmt: skip
    if _is_negated(bits):
        return Unusable(_NEGATED)
    return _typed(storage, offset, shape, stride, dtype)


def _is_negated(bits: Any) -> bool:
    """Return whether PyTorch marks the tensor as the negative of the stored values."""
    return isinstance(bits, dict) and bool(bits.get("neg"))


def _typed(
    storage: Any, offset: Any, shape: Any, stride: Any, dtype: Any
) -> PickledTensor | Unusable:
    if isinstance(storage, Unusable):
        return storage
    numbers = (offset, *shape, *stride)
    whole = all(type(number) is int and number >= 0 for number in numbers)
    if not isinstance(storage, Storage) or not isinstance(dtype, torch.dtype) or not whole:
        given = str((type(storage).__name__, dtype, offset, shape, stride))
        raise pickle.UnpicklingError(
            "a tensor needs a storage, a type, and whole numbers of at least 0 as offset, shape "
            f"and strides, got {given[:120]}"
        )
    if len(shape) != len(stride):
        raise pickle.UnpicklingError(
            f"a tensor needs as many strides as axes, got {stride} for the shape {shape}"
        )
    return PickledTensor(storage, dtype, offset, tuple(shape), tuple(stride))


def _first(data: Any, *_: Any) -> Any:
    return data


def _from_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    if function not in CALLED:
        return Unusable("a tensor of an unknown kind")
    return function(*arguments)


def _bytes(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes must be encoded as latin1, got {str(encoding)[:20]}")
    return text.encode("latin1")


def _nothing(what: str) -> Callable[..., Unusable]:
    def make(*_: Any) -> Unusable:
        return Unusable(what)

    return make


def _number(*_: Any) -> Unusable:
    return Unusable("a NumPy number", is_number=True)


_UTILS = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _tensor_with_type,
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
    "_rebuild_sparse_tensor": _nothing("a sparse tensor"),
    "_rebuild_nested_tensor": _nothing("a nested tensor"),
    "_rebuild_qtensor": _nothing("a quantised tensor"),
    "_rebuild_meta_tensor_no_storage": _nothing("a tensor without values (of the meta device)"),
    "_rebuild_device_tensor_from_numpy": _nothing("a tensor of another device"),
    "_rebuild_device_tensor_from_cpu_tensor": _nothing("a tensor of another device"),
    "_rebuild_wrapper_subclass": _nothing("a tensor of an unknown kind"),
}
KNOWN: dict[str, Any] = {
    **{f"torch._utils.{name}": function for name, function in _UTILS.items()},
    **{name: Unusable(f"a {name.rpartition('.')[2]}") for name in _INERT},
    **{f"torch.{name}Storage": dtype for name, dtype in _STORAGES.items()},
    **{f"torch.cuda.{name}Storage": dtype for name, dtype in _STORAGES.items()},
    **{f"torch.{name}Storage": Unusable("a quantised tensor") for name in _QUANTISED},
    "torch.storage.UntypedStorage": None,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch.Size": tuple,
    "collections.OrderedDict": mapping,
    "collections.Counter": mapping,
    "_codecs.encode": _bytes,
    # the functions themselves are never called: training scripts store losses and scores so
    **{f"numpy.{core}.multiarray.scalar": _number for core in _CORES},
    **{f"numpy.{core}.multiarray._reconstruct": _nothing("a NumPy array") for core in _CORES},
    "numpy.ndarray": Unusable("a class of NumPy"),
    "numpy.dtype": _nothing("a type of NumPy"),
}
"""The record or function of each name."""
KNOWN |= {str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)}
CALLED = [value for value in KNOWN.values() if callable(value)]
"""The functions that a pickle may call."""
