"""Triton, or a stand-in where it is not installed (macOS, some of Windows).

With the stand-in, every file of kernels still imports; a kernel stays a plain function that is
never called.

Triton brings a copy of LLVM, and so does Mesa, the OpenGL of most Linux machines without an
NVIDIA display. Once Mesa's is loaded, Triton's finds the wrong functions and the process dies at
`import triton`. Loaded with RTLD_DEEPBIND it keeps to its own (seen with Triton 3.7.1 and Mesa's
llvmpipe).
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
    """Stands in for `triton` and `triton.language`; whatever decorates returns what it got."""

    def __getattr__(self, name: str) -> Any:
        return Absent()

    def __call__(self, decorated: Any = None, *_: Any, **__: Any) -> Any:
        """Return what is decorated, or a decorator where only options came."""
        return self if decorated is None else decorated


def import_triton() -> Any:
    """Import Triton in a way that is safe beside an OpenGL driver, or return a stand-in."""
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
"""Whether kernels run in Triton's interpreter, on any tensor. Settled when they are decorated."""


def kernel_jit(function: Callable[..., Any] | None = None, *, aligned: tuple[str, ...] = ()) -> Any:
    """Compile a function that is launched from Python, into one binary for all image sizes.

    Triton compiles another binary where an integer is 1 or becomes divisible by 16. Channels are
    constants of a kernel and give all the alignment that channels_last loads need, so sizes are
    kept out of it: what was checked at one size is what runs at every other.

    Parameters
    ----------
    function : callable
        Its pointers end in `_ptr`, its constants are annotated; all else counts as sizes.
    aligned : tuple of str
        Sizes without whose divisibility the kernel could not load 128 bits at once.
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
    """Return how many parts a size takes, as `triton.cdiv`: that takes 4.5 us, and this 0.1 us."""
    return -(-size // part)


def next_power_of_2(size: int) -> int:
    """Return the least power of 2 that is not below a size of at least 1; as fast as `cdiv`."""
    return 1 << (size - 1).bit_length()


__all__ = ["HAS_TRITON", "INTERPRETED", "cdiv", "kernel_jit", "next_power_of_2", "tl", "triton"]
