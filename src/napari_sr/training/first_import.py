"""The first import of the training code, in a worker, as safe as that of the engine."""

from __future__ import annotations

from importlib import import_module

from napari_sr.runs.first_import import import_engine, importing


def import_trainer() -> None:
    """Import engine and training: seconds the first time, nothing afterwards."""
    import_engine()
    with importing():
        import_module("napari_sr.training.finetuning.finetune")
        import torch

        # the first step of an optimiser imports the compiler, although nothing is compiled
        weight = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([weight])
        weight.sum().backward()  # type: ignore[no-untyped-call]  # torch has no types
        optimiser.step()
