"""Tensors in a file, whose shape and type are known before the values are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor


@dataclass(frozen=True)
class StoredTensor:
    """A tensor whose values are still in the file."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor]
    """Returns the tensor, of this shape and type, on the CPU."""


@dataclass(frozen=True)
class Unusable:
    """An object in a file that is not a dense tensor; an error only if it is among the weights."""

    what: str
    """A noun with its article, such as "a sparse tensor"."""
    is_number: bool = False
    """Whether it is a single number, which may be ignored even beside weights."""
