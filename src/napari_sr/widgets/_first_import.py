"""Imports the engine once, in a worker, in a way that is safe beside a window and other threads.

Two things go wrong otherwise.

Triton brings a copy of LLVM, and so does Mesa, the OpenGL of most Linux machines without an
NVIDIA display. Once napari's canvas has loaded Mesa's, Triton's finds the wrong functions and
the process dies at `import triton`, which parts of PyTorch do too. Loaded with RTLD_DEEPBIND it
keeps to its own (seen with Triton 3.7.1 and Mesa's llvmpipe).

PyTorch imports large parts of itself when they are first used. Two threads that do so at once
may see half a module (seen: "'_OpNamespace' 'prims' object has no attribute 'sum'").
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from importlib.util import find_spec

_one_at_a_time = threading.Lock()


def import_engine() -> None:
    """Import torch and all of ours that needs it; takes seconds once, nothing afterwards."""
    with _one_at_a_time:
        _import_triton()
        import_module("napari_sr.api")
        import_module("napari_sr.engine.estimate")
        import torch

        # the first arithmetic without data brings the parts that describe every operator
        torch.empty(1, device="meta") + 1


def _import_triton() -> None:
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "triton" in sys.modules or find_spec("triton") is None:
        return
    usual = sys.getdlopenflags()
    sys.setdlopenflags(usual | deep)
    try:
        import_module("triton")
    finally:
        sys.setdlopenflags(usual)
