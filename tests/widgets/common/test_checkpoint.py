from __future__ import annotations

from pathlib import Path

import torch
from qtpy.QtWidgets import QFileDialog

from napari_sr import models
from napari_sr.widgets.common.checkpoint import ask_for_checkpoint, inspected


def test_a_file_is_its_model_or_the_reason_why_not(tmp_path):
    record = models.architecture("edsr")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "mine.pth")

    assert inspected(tmp_path / "mine.pth").architecture == "edsr"
    assert inspected(tmp_path / "no.pth").startswith("Cannot use no.pth: there is no checkpoint")


def test_a_dialog_that_is_cancelled_names_no_file(monkeypatch):
    answers = [("/data/mine.pth", ""), ("", "")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **named: answers.pop(0))

    assert ask_for_checkpoint(None) == Path("/data/mine.pth")
    assert ask_for_checkpoint(None) is None
