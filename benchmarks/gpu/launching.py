"""Launch an op with other options, or with other widths than those of its example.

Imported by processes that compile kernels and by processes that interpret kernels.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch

import sr_kernels
from sr_kernels import _configuration
from sr_kernels.esa_pool import PITCH, REACH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

INSIDE = ("esa_low", "esa_pool")
"""Ops that have C / 4 features in a network of C features."""
POOLED = ("esa_low",)
"""Ops on ESA's pooled plane, whose cells are `PITCH` pixels apart."""
PAIRED = ("bsconv", "conv3x3", "pointwise_sum")
"""Ops that may have different widths of input and output."""


@dataclass(frozen=True)
class Widths:
    """Channels before and after an op."""

    inputs: int
    outputs: int | None = None
    """None if it equals `inputs`."""

    @classmethod
    def of(cls, word: str) -> Widths:
        """Read "64", or "64-32"."""
        inputs, _, outputs = word.partition("-")
        return cls(int(inputs), int(outputs) if outputs else None)

    def __str__(self) -> str:
        """Return the text that `of` reads."""
        return str(self.inputs) if self.outputs is None else f"{self.inputs}-{self.outputs}"

    def inside(self, op: str) -> Widths:
        """Return the widths of an op in a network of this width."""
        return Widths(self.inputs // 4) if op in INSIDE else self

    def suits(self, op: str) -> bool:
        """Return whether an op takes such widths."""
        return self.outputs is None or op in PAIRED


def size_of(op: str, size: tuple[int, int]) -> tuple[int, int]:
    """Return the height and width of an op's input for an image of this size."""
    if op not in POOLED:
        return size
    height, width = (max((side - REACH) // PITCH + 1, 1) for side in size)
    return height, width


def arguments_of(op: str, widths: Widths, size: tuple[int, int], device: torch.device) -> list[Any]:
    """Return an op's example for (1, inputs, *size) in half precision, features channels_last.

    If the number of outputs differs, the weights are random, and the op has no skip and no shuffle.
    """
    shape = (1, widths.inputs, *size)
    with device:
        example = list(sr_kernels.op(op).example(shape, torch.half, device))
        if widths.outputs is not None:
            example = _widened(op, example, widths.outputs)
    # if one tensor is given for two arguments, it stays one tensor
    moved = {
        id(value): value.contiguous(memory_format=torch.channels_last)
        for value in example
        if isinstance(value, torch.Tensor) and value.ndim == 4 and value.shape[2:] == size
    }
    return [moved.get(id(value), value) for value in example]


def _widened(op: str, example: list[Any], outputs: int) -> list[Any]:
    """Return the example with `outputs` channels after the op."""
    names = inspect.signature(sr_kernels.op(op).reference).parameters
    given = dict(zip(names, example, strict=True))
    for name, value in given.items():
        if name in ("residual", "other", "other_weight", "gate"):
            given[name] = None
        elif name == "shuffle":
            given[name] = 1
        elif isinstance(value, torch.Tensor) and name != "x":
            given[name] = torch.randn(outputs, *value.shape[1:]).to(value) * value.std()
    return list(given.values())


@contextmanager
def launched_with(op: str, candidate: Mapping[str, int]) -> Iterator[dict[str, dict[str, int]]]:
    """Inside this context, launch one op with other options.

    Yields
    ------
    dict of str to dict
        By op, the options that were requested inside, with the values without `candidate`.
    """
    seen: dict[str, dict[str, int]] = {}
    real = _configuration.configuration

    def spy(name: str, x: Tensor, *, outputs: int | None = None, **usual: int) -> dict[str, int]:
        seen[name] = real(name, x, outputs=outputs, **usual)
        return {**seen[name], **(candidate if name == op else {})}

    # import every op first: each imports the function by name, and must get the real one
    for name in sr_kernels.names():
        sr_kernels.op(name)
    homes = [
        module
        for name, module in sys.modules.items()
        if name.startswith("sr_kernels.")
        and module is not _configuration
        and getattr(module, "configuration", None) is real
    ]
    patches = [mock.patch.object(home, "configuration", spy) for home in homes]
    for patch in patches:
        patch.start()
    try:
        yield seen
    finally:
        for patch in patches:
            patch.stop()
