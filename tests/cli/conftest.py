"""What tests of commands need."""

from __future__ import annotations

import signal

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


@pytest.fixture(autouse=True)
def handlers():
    """Give each test this process's own handling of signals, and bring it back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    # a shell's job in the background ignores SIGINT, and so do its children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
