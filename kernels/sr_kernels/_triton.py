"""Triton, or a stand-in if it is not installed (macOS, some Windows systems).

With the stand-in, all kernel files can be imported; a kernel is then a plain function that nothing
calls.

Triton brings a copy of LLVM, and so does Mesa, the OpenGL of most Linux machines without an NVIDIA
display. If Mesa's copy is loaded first, Triton's copy finds Mesa's functions, and the process
crashes at `import triton`. If Triton is loaded with RTLD_DEEPBIND, it finds the right functions
(seen with Triton 3.7.1 and Mesa's llvmpipe).
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
    """A stand-in for `triton` and `triton.language`; decorators return the function unchanged."""

    def __getattr__(self, name: str) -> Any:
        return Absent()

    def __call__(self, decorated: Any = None, *_: Any, **__: Any) -> Any:
        """Return the decorated function, or a decorator if only options are given."""
        return self if decorated is None else decorated


def import_triton() -> Any:
    """Import Triton safely, even if an OpenGL driver is loaded already, or return a stand-in."""
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
"""Whether kernels run in Triton's interpreter, on any tensor. It is fixed when kernels are
decorated."""


def kernel_jit(function: Callable[..., Any] | None = None, *, aligned: tuple[str, ...] = ()) -> Any:
    """Compile a function that is launched from Python, into one binary for all image sizes.

    By default, Triton compiles another binary if an integer is 1 or divisible by 16. Here, sizes
    are not specialised: the binary that was checked at one size runs at every size. Channels are
    constants, so the alignment of channels_last loads is known.

    Parameters
    ----------
    function : callable
        The kernel. Names of pointers end in `_ptr`; constants are annotated; all others are sizes.
    aligned : tuple of str
        Sizes whose divisibility by 16 the kernel needs for loads of 128 bits.
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
