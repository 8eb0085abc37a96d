"""Import the engine for the first time, in a worker, while a window and other threads run.

A plain import fails in two ways:

* Triton kills a process in which a canvas has loaded Mesa's OpenGL. Parts of PyTorch import Triton
  too. `sr_kernels._triton` explains why, and loads it safely.
* PyTorch imports large parts of itself on first use. Two threads that do so at once may see half a
  module (seen: "'_OpNamespace' 'prims' object has no attribute 'sum'").

Two things would block the window, for about 0.3 s each: the loader holds Python's lock while it
relocates PyTorch's library, and full garbage collections visit a million new objects.
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
"""PyTorch's libraries that do not use Python, each after the libraries that it depends on."""
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

    Does nothing on Windows, where PyTorch must first name the folders of its libraries.
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
