"""Imports what trains once, in a worker, as safely as the engine is imported."""

from __future__ import annotations

from importlib import import_module

from napari_sr.runs.first_import import import_engine, importing


def import_trainer() -> None:
    """Import the engine and what trains; takes seconds once, nothing afterwards."""
    import_engine()
    with importing():
        import_module("napari_sr.training.finetuning.finetune")
        import torch

        # the first step of an optimiser brings the compiler, though nothing is compiled
        weight = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([weight])
        weight.sum().backward()  # type: ignore[no-untyped-call]  # torch has no types
        optimiser.step()
