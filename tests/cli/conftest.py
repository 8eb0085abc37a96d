"""What tests of commands need."""

from __future__ import annotations

import pytest
import torch

from napari_sr import models


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Return the names of two small FSRCNNs' files, which do not show their scale."""
    monkeypatch.chdir(tmp_path)
    record = models.architecture("fsrcnn")
    for seed, name in enumerate(("psnr.pth", "gan.pth")):
        torch.manual_seed(seed)
        torch.save(record.network(**record.example).state_dict(), name)
    return "psnr.pth", "gan.pth"
