"""Import the training code in a worker thread, because the first import is slow.

See `runs.first_import`.
"""

from __future__ import annotations

from importlib import import_module

from napari_sr.runs.first_import import import_engine, importing


def import_trainer() -> None:
    """Import engine and training; only the first call takes seconds."""
    import_engine()
    with importing():
        import_module("napari_sr.training.finetuning.finetune")
        import torch

        # an optimiser's first step imports the compiler, although nothing is compiled
        weight = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([weight])
        weight.sum().backward()  # type: ignore[no-untyped-call]  # torch has no types
        optimiser.step()
