"""Fixtures for all tests: determinism, quiet threads, real files where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

# before torch is imported: waiting threads must sleep, or two busy cores stand still
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("NAPARI_SR_CACHE", os.devnull)  # tests that download set their own

import numpy as np
import pytest
import torch

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(autouse=True, scope="session")
def _threads():
    torch.set_num_threads(2)


@pytest.fixture
def shared() -> Path:
    """Folder of real checkpoints, images and reference outputs that is never committed."""
    if not SHARED.is_dir():
        pytest.skip(f"the folder of real checkpoints and images is not at {SHARED}")
    return SHARED


def cases(*prefixes: str) -> list[str]:
    """Return the names of the reference cases that begin with one of the prefixes."""
    folder = SHARED / "cases"
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.npz") if path.stem.startswith(prefixes))


def case_record(name: str) -> dict[str, object]:
    """Return a case's entry in the manifest."""
    manifest = json.loads((SHARED / "cases" / "MANIFEST.json").read_text())
    return next(entry for entry in manifest if entry["case"] == f"{name}.npz")


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)
