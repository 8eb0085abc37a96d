"""Reference cases of the networks: checkpoints, inputs, and what their authors' code returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from reference import case_record

from napari_sr.zoo.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One checkpoint with its inputs and expected outputs, both in 0..1."""

    state: dict[str, torch.Tensor]
    record: dict
    images: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(repr=False)

    @property
    def scale(self) -> int:
        return self.record["scale"]

    @property
    def parameters(self) -> int:
        return self.record.get("params_trainable", self.record["params"])

    def errors(self, network) -> dict[str, float]:
        """Return the largest error of each output, in units of the output's range."""
        with torch.inference_mode():
            results = {name: network(image) for name, (image, _) in self.images.items()}
        return {
            name: float((results[name] - expected).abs().max() / (expected.max() - expected.min()))
            for name, (_, expected) in self.images.items()
        }


def _checkpoint(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".npz":
        return {key: torch.from_numpy(value) for key, value in np.load(path).items()}
    if path.suffix == ".mat":
        return read_checkpoint(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("params", state)
    return {key.removeprefix("module."): value for key, value in state.items()}


@pytest.fixture
def case_of(shared):
    """Return a function that reads a case by its name."""

    def read(name: str) -> Case:
        record = case_record(name)
        arrays = {
            key: torch.from_numpy(value)
            for key, value in np.load(shared / "cases" / f"{name}.npz").items()
        }
        state = {key[3:]: value for key, value in arrays.items() if key.startswith("sd/")}
        if record["checkpoint"]:
            state = _checkpoint(shared / record["checkpoint"])
        white = 255 if record["input_range"].startswith("0-255") else 1
        names = [key[3:] for key in arrays if key.startswith("in_")]
        images = {key: (arrays[f"in_{key}"] / white, arrays[f"out_{key}"] / white) for key in names}
        return Case(state, record, images)

    return read
