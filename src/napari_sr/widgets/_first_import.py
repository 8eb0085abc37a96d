"""Imports the engine once, in a worker, in a way that is safe beside a window and other threads.

Two things go wrong otherwise.

Triton, which parts of PyTorch import too, kills a process in which a canvas has loaded Mesa's
OpenGL; `sr_kernels._triton` says why, and loads it so that it does not.

PyTorch imports large parts of itself when they are first used. Two threads that do so at once
may see half a module (seen: "'_OpNamespace' 'prims' object has no attribute 'sum'").
"""

from __future__ import annotations

import threading
from importlib import import_module

_one_at_a_time = threading.Lock()


def import_engine() -> None:
    """Import torch and all of ours that needs it; takes seconds once, nothing afterwards."""
    with _one_at_a_time:
        import_module("sr_kernels._triton")  # before torch, parts of which import Triton themselves
        import_module("napari_sr.api")
        import_module("napari_sr.engine.estimate")
        import torch

        # the first arithmetic without data brings the parts that describe every operator
        torch.empty(1, device="meta") + 1


def import_trainer() -> None:
    """Import what trains, too, in the same way."""
    import_engine()
    with _one_at_a_time:
        import_module("napari_sr.training.fine_tuning")
        import torch

        # the first step of an optimiser brings the compiler, though nothing is compiled
        weight = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([weight])
        weight.sum().backward()  # type: ignore[no-untyped-call]  # torch has no types
        optimiser.step()
