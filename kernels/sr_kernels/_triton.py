"""Triton, or a stand-in if it is not installed (macOS, some Windows systems).

With the stand-in, all kernel files can be imported. Kernels are then plain functions that are never
called.

Triton contains a copy of LLVM, and so does Mesa, the OpenGL library of most Linux machines without
an NVIDIA display. If Mesa is loaded first, Triton calls functions of Mesa's copy, and the process
crashes at `import triton`. If Triton is loaded with RTLD_DEEPBIND, it calls its own functions (seen
with Triton 3.7.1 and Mesa's llvmpipe).
"""

from __future__ import annotations

import inspect
import os
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Absent:
    """Stand-in for `triton` and `triton.language`; decorators return the function unchanged."""

    def __getattr__(self, name: str) -> Any:
        return Absent()

    def __call__(self, decorated: Any = None, *_: Any, **__: Any) -> Any:
        """Return the decorated function, or a decorator if only options are given."""
        return self if decorated is None else decorated


def import_triton() -> Any:
    """Import Triton, safely even after an OpenGL driver, or return a stand-in."""
    if "triton" not in sys.modules and find_spec("triton") is None:
        return Absent()
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "triton" in sys.modules:
        return import_module("triton")
    usual = sys.getdlopenflags()
    sys.setdlopenflags(usual | deep)
    try:
        return import_module("triton")
    finally:
        sys.setdlopenflags(usual)


if TYPE_CHECKING:
    import triton
    import triton.language as tl
else:
    triton = import_triton()
    tl = Absent() if isinstance(triton, Absent) else import_module("triton.language")

HAS_TRITON = not isinstance(triton, Absent)
"""Whether kernels can run at all."""

INTERPRETED = HAS_TRITON and os.environ.get("TRITON_INTERPRET") == "1"
"""Whether kernels run in Triton's interpreter, on any tensor. Later changes of the environment
variable have no effect on kernels that are already decorated."""


def kernel_jit(function: Callable[..., Any] | None = None, *, aligned: tuple[str, ...] = ()) -> Any:
    """Decorate a kernel that is launched from Python: compile one binary for all image sizes.

    By default, Triton compiles another binary if an integer is 1 or divisible by 16. Here, it does
    not do so for sizes, so a binary that was checked at one size runs at every size. Channels are
    constants, so the alignment of channels_last loads is known.

    Parameters
    ----------
    function : callable
        The kernel. Names of pointers end in `_ptr`; constants are annotated; all other arguments
        are sizes.
    aligned : tuple of str
        Sizes for which Triton does compile another binary if they are divisible by 16, because this
        allows loads of 128 bits.
    """
    if function is None:
        return partial(kernel_jit, aligned=aligned)
    sizes = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.annotation is parameter.empty
        and not name.endswith("_ptr")
        and name not in aligned
    ]
    return triton.jit(do_not_specialize=sizes)(function)


def cdiv(size: int, part: int) -> int:
    """Divide a size by a part and round up. This takes 0.1 us; `triton.cdiv` takes 4.5 us."""
    return -(-size // part)


def next_power_of_2(size: int) -> int:
    """Return the smallest power of 2 that is at least `size` (1 or more); as fast as `cdiv`."""
    return 1 << (size - 1).bit_length()


__all__ = ["HAS_TRITON", "INTERPRETED", "cdiv", "kernel_jit", "next_power_of_2", "tl", "triton"]
