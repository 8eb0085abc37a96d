"""Do the kernels compute on this very GPU what the reference computes? Asked once, before use.

A compiler or driver that nobody has tried may be wrong in a way that no test here has seen. One
small call of every op takes some seconds the first time and is remembered while the program runs.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import torch
from torch import Tensor

import sr_kernels
from sr_kernels._choice import use_kernels
from sr_kernels._triton import HAS_TRITON, triton

SHAPE = (1, 48, 9, 70)
"""More columns than a block of any kernel, and nothing divides anything."""
ROUNDINGS = 4
"""Errors allowed, in eps of the dtype times the largest value: PyTorch's own in half precision is
about one, as sums differ in order."""

_one_at_a_time = threading.Lock()


def failures(device: torch.device, dtype: torch.dtype) -> tuple[str, ...]:
    """Return the names of the ops whose kernels fail or disagree with their references.

    Parameters
    ----------
    device : torch.device
        On which the kernels would run.
    dtype : torch.dtype
        In which they would compute.
    """
    if not HAS_TRITON:
        return ()
    with _one_at_a_time:
        return _failures(str(device), dtype)


@lru_cache
def _failures(device: str, dtype: torch.dtype) -> tuple[str, ...]:
    names = sr_kernels.names()
    return tuple(name for name in names if not agrees(name, torch.device(device), dtype))


def agrees(name: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Say whether one op's kernel computes what its reference does, on a small example."""
    op = sr_kernels.op(name)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(), use_kernels("reference"):
        torch.manual_seed(0)
        arguments = op.example(SHAPE, dtype, device)
        expected = _all_of(op.reference(*arguments))
        try:
            results = _all_of(op.launch(*arguments))
        except (RuntimeError, triton.errors.TritonError):
            return False
    return all(_is_near(a, b, dtype) for a, b in zip(results, expected, strict=True))


def _all_of(results: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (results,) if isinstance(results, Tensor) else results


def _is_near(result: Tensor, expected: Tensor, dtype: torch.dtype) -> bool:
    error = (result.double() - expected.double()).abs().max()
    allowed = ROUNDINGS * torch.finfo(dtype).eps * expected.double().abs().max()
    # NaN compares false
    return bool(error <= allowed)
