"""Compile the kernels that calls launch, for a GPU that is not present, without launching them.

Imported by compile_gate.py, counted.py, kernel_model.py and prune.py. TRITON_INTERPRET must not be
set, because interpreted kernels cannot be compiled.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from sr_kernels import _configuration, _op, _rows, use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARED_LIMITS = {
    "sm_80": 166_912,
    "sm_86": 101_376,
    "sm_89": 101_376,
    "sm_90": 232_448,
    "sm_100": 232_448,
    "sm_120": 101_376,
    "gfx942": 65_536,
}
"""Shared memory available to one program in bytes, by the GPU's architecture."""


@dataclass(frozen=True)
class Compiled:
    """The compiled kernel of a launch, and its arguments."""

    kernel: Any
    """A `triton.compiler.CompiledKernel`."""
    given: dict[str, Any]
    """Its arguments by name."""
    programs: int


class NoDriver:
    """A driver that tells Triton which GPU to compile for, and cannot launch."""

    def __init__(self, architecture: str) -> None:
        self._place = list(SHARED_LIMITS).index(architecture)
        kind, _, number = architecture.partition("_")
        self._target = (
            GPUTarget("cuda", int(number), 32) if kind == "sm" else GPUTarget("hip", kind, 64)
        )

    def get_current_device(self) -> int:
        """Return a different number for every target, because Triton caches kernels by it."""
        return self._place

    def get_current_stream(self, device: int) -> int:
        """Return the default stream's number."""
        return 0

    def get_current_target(self) -> GPUTarget:
        """Return the target to compile for."""
        return self._target


@contextmanager
def compiling(architecture: str, processors: int | None = None) -> Iterator[list[Compiled]]:
    """Inside this context, compile kernels for an architecture instead of launching them.

    Parameters
    ----------
    architecture : str
        One of `SHARED_LIMITS`.
    processors : int, optional
        Number of multiprocessors that ops see; by default that of this computer.

    Yields
    ------
    list of Compiled
        The kernels compiled so far; it grows with every launch.
    """
    found: list[Compiled] = []
    run = JITFunction.run

    def compile_only(self: JITFunction, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        kernel = run(self, *args, grid=grid, warmup=True, **kwargs)
        given = {**dict(zip(self.arg_names, args, strict=False)), **kwargs}
        found.append(Compiled(kernel, given, math.prod(grid)))

    real = _rows._processors
    driver.set_active(NoDriver(architecture))
    with (
        # no self-check, which would distrust kernels that have no results
        use_kernels("triton"),
        mock.patch.object(JITFunction, "run", compile_only),
        mock.patch.object(_configuration, "architecture", lambda device: architecture),
        mock.patch.object(_op, "runs_fused", lambda *tensors: True),
        mock.patch.object(_rows, "_processors", lambda device: processors or real(device)),
    ):
        yield found


def compiled_by(call: Callable[[], object], architecture: str) -> list[Any]:
    """Return the compiled kernels of a call for an architecture, without launching them."""
    with compiling(architecture) as found:
        call()
    return [each.kernel for each in found]
