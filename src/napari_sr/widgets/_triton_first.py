"""Loads Triton so that it can live in one process with OpenGL.

Triton brings a copy of LLVM, and so does Mesa, the OpenGL of most Linux machines without an
NVIDIA display. Once napari's canvas has loaded Mesa's, Triton's finds the wrong functions and
the process dies at `import triton`, which parts of PyTorch do too. Loaded with RTLD_DEEPBIND it
keeps to its own (seen with Triton 3.7.1 and Mesa's llvmpipe).
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from importlib.util import find_spec

_once = threading.Lock()


def load_triton_first() -> None:
    """Import Triton, where it is installed; call it before torch is used beside a window."""
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "triton" in sys.modules:
        return
    with _once:
        if find_spec("triton") is None or "triton" in sys.modules:
            return
        usual = sys.getdlopenflags()
        sys.setdlopenflags(usual | deep)
        try:
            import_module("triton")
        finally:
            sys.setdlopenflags(usual)
