"""Choose between kernel and reference, and count launches.

There are three choices: "auto" (kernels where they are fast and known to be right), "reference" (no
kernels) and "triton" (always kernels, and an error if a kernel cannot run). The innermost
`use_kernels` sets the choice. Outside `use_kernels`, the environment variable NAPARI_SR_KERNELS
sets it. If it is not set, the choice is "auto".
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

import torch

from sr_kernels._triton import HAS_TRITON, INTERPRETED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

WORDS = ("auto", "reference", "triton")
VARIABLE = "NAPARI_SR_KERNELS"
HALF = (torch.float16, torch.bfloat16)
LEAST_CAPABILITY = (8, 0)
"""Oldest supported GPUs; older GPUs lack the matrix instructions that the kernels use."""

_word: ContextVar[str | None] = ContextVar("kernels", default=None)
_launched: Counter[str] = Counter()
_apart: ContextVar[Counter[str] | None] = ContextVar("apart", default=None)
_one_at_a_time = threading.Lock()


@contextmanager
def use_kernels(word: str) -> Iterator[None]:
    """Choose "auto", "reference" or "triton" for the calls inside this context.

    Use it around a call, never around a `yield`: the choice would then also hold in the code that
    consumes the generator. A new thread starts without a choice.

    Raises
    ------
    ValueError
        If the choice is unknown.
    """
    token = _word.set(_checked(word, "use_kernels"))
    try:
        yield
    finally:
        _word.reset(token)


def chosen() -> str:
    """Return the current choice."""
    return _word.get() or _checked(os.environ.get(VARIABLE) or "auto", VARIABLE)


def runs_fused(*tensors: Tensor) -> bool:
    """Return whether a kernel computes on these tensors; otherwise, the reference does.

    Raises
    ------
    RuntimeError
        If "triton" is chosen and a kernel cannot run.
    """
    word = chosen()
    if word == "reference":
        return False
    kinds = set()
    for tensor in tensors:
        if not tensor.numel():
            return False
        kinds.add((tensor.device, tensor.dtype))
    obstacle = _obstacle(frozenset(kinds))
    if word == "triton" and obstacle:
        raise RuntimeError(f"kernels='triton' was chosen, but {obstacle}")
    if word == "triton":
        return True
    return obstacle is None and not INTERPRETED and not _wants_gradient(tensors)


def count_launch(name: str) -> None:
    """Count one more launch of the op of this name."""
    apart = _apart.get()
    if apart is not None:
        apart[name] += 1
        return
    with _one_at_a_time:
        _launched[name] += 1


def add_launched(counts: Mapping[str, int]) -> None:
    """Add launches of each op; called at every replay of a CUDA graph with the graph's launches."""
    with _one_at_a_time:
        _launched.update(counts)


@contextmanager
def launches_apart() -> Iterator[Counter[str]]:
    """Count launches inside this context separately: a captured graph runs later, or never.

    Yields
    ------
    Counter of str
        Number of launches of each op inside, by this thread.
    """
    counts: Counter[str] = Counter()
    token = _apart.set(counts)
    try:
        yield counts
    finally:
        _apart.reset(token)


def launched() -> dict[str, int]:
    """Return the number of kernel launches of each op since the last reset, in all threads."""
    with _one_at_a_time:
        return dict(_launched)


def reset_launched() -> None:
    """Start counting launches from zero."""
    with _one_at_a_time:
        _launched.clear()


def _checked(word: str, source: str) -> str:
    if word not in WORDS:
        raise ValueError(f"{source} takes one of {', '.join(WORDS)}, got {word!r}")
    return word


def _wants_gradient(tensors: tuple[Tensor, ...]) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


@cache
def _obstacle(kinds: frozenset[tuple[torch.device, torch.dtype]]) -> str | None:
    """Return the reason why kernels cannot run on tensors of these devices and dtypes, or None."""
    if not HAS_TRITON:
        return "Triton is not installed"
    devices = {device for device, _ in kinds}
    if len(devices) > 1:
        return f"tensors are on several devices: {', '.join(sorted(map(str, devices)))}"
    dtypes = {dtype for _, dtype in kinds}
    if INTERPRETED:
        integers = [str(dtype) for dtype in dtypes if not dtype.is_floating_point]
        return f"kernels compute on floats, not on {', '.join(integers)}" if integers else None
    device = devices.pop()
    if device.type != "cuda":
        return f"tensors are on {device}, not on a CUDA device"
    if torch.version.hip:
        return "the kernels have not been tested on AMD GPUs"
    # float32 is allowed as a second dtype, because statistics are float32
    if dtypes.isdisjoint(HALF) or not dtypes <= {*HALF, torch.float32}:
        return f"kernels compute in half precision, got {', '.join(sorted(map(str, dtypes)))}"
    capability = _capability(device.index)
    if capability < LEAST_CAPABILITY:
        return f"{device} has compute capability {capability}, below {LEAST_CAPABILITY}"
    return None


@cache
def _capability(index: int | None) -> tuple[int, int]:
    return torch.cuda.get_device_capability(index)
