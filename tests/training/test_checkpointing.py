"""A training's state is whole on the disk, or not there."""

from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors import safe_open

from napari_sr.training import checkpointing
from napari_sr.training.checkpointing import StateError


def test_a_state_comes_back(tmp_path):
    checkpointing.save_state(tmp_path, {"step": 3, "learner": {"weight": torch.arange(4.0)}})

    found = checkpointing.load_state(tmp_path)

    assert found["step"] == 3
    assert torch.equal(found["learner"]["weight"], torch.arange(4.0))


def test_no_state_is_none(tmp_path):
    assert checkpointing.load_state(tmp_path) is None


def test_a_disk_that_fails_leaves_the_last_state(tmp_path, monkeypatch):
    checkpointing.save_state(tmp_path, {"step": 3})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpointing.save_state(tmp_path, {"step": 4})

    assert checkpointing.load_state(tmp_path)["step"] == 3


@pytest.mark.parametrize("content", [b"", b"\x80\x04junk", b"PK\x03\x04junk"])
def test_a_broken_state_is_told_by_name(tmp_path, content):
    (tmp_path / "state.pt").write_bytes(content)

    with pytest.raises(StateError, match=r"state\.pt is no state of a training"):
        checkpointing.load_state(tmp_path)


def test_a_state_of_another_version_is_refused(tmp_path):
    torch.save({"version": 99}, tmp_path / "state.pt")

    with pytest.raises(StateError, match="of version 1, got 99"):
        checkpointing.load_state(tmp_path)


def test_an_export_has_tensors_and_card(tmp_path):
    weight = torch.arange(12.0).reshape(3, 4).T

    checkpointing.export(tmp_path / "x.safetensors", {"weight": weight}, {"scale": 3})

    with safe_open(tmp_path / "x.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("weight"), weight)
        assert json.loads(file.metadata()["card"]) == {"scale": 3}
