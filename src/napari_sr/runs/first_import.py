"""Import the engine for the first time, in a worker, while a window and other threads run.

A plain import fails in two ways:

* Triton kills a process in which a canvas has loaded Mesa's OpenGL, and parts of PyTorch import
  Triton. `sr_kernels._triton` explains the reason, and loads Triton safely.
* PyTorch imports large parts of itself on first use. If two threads do so at once, one may get an
  incomplete module (seen: "'_OpNamespace' 'prims' object has no attribute 'sum'").

A plain import would also block the window twice, for about 0.3 s each: while PyTorch's library is
loaded, because `import` holds Python's lock, and during full garbage collections of a million new
objects.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("libtorch_global_deps", "libc10", "libtorch_cpu", "libtorch_cuda")
"""PyTorch's libraries that do not use Python, in the order in which they must be loaded."""
_one_at_a_time = threading.Lock()


def import_engine() -> None:
    """Import torch and our modules that need it; only the first call takes seconds."""
    with importing():
        _load_library()
        import_module("sr_kernels._triton")  # before torch, which imports Triton in places
        import_module("napari_sr.runs.loading")
        import_module("napari_sr.engine.execution.upscale")
        import_module("napari_sr.engine.planning.estimate")
        import torch

        # the first arithmetic on the meta device imports the descriptions of all operators
        torch.empty(1, device="meta") + 1


@contextmanager
def importing() -> Iterator[None]:
    """Context: one thread imports at a time, without full garbage collections."""
    with _one_at_a_time, _no_full_collections():
        yield


@contextmanager
def _no_full_collections() -> Iterator[None]:
    """Context: garbage collections visit only new objects; a full one follows at the end."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


def _load_library() -> None:
    """Load PyTorch's libraries without holding Python's lock; `import` loads the others.

    On Windows, it does nothing, because only `import torch` sets the folders of the libraries.
    """
    found = None if "torch" in sys.modules else find_spec("torch")
    if found is None or found.origin is None or sys.platform == "win32":
        return
    ending = ".dylib" if sys.platform == "darwin" else ".so"
    load = ctypes.CDLL(None).dlopen  # Python's lock is released in a call, unlike in CDLL(path)
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name in _LIBRARIES:
        path = Path(found.origin).parent / "lib" / f"{name}{ending}"
        flags = os.RTLD_GLOBAL if name == "libtorch_global_deps" else os.RTLD_LOCAL
        if path.exists():
            load(os.fsencode(path), os.RTLD_NOW | flags)
