"""The state of a training run is complete on the disk, or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from trainings import tiny

from napari_sr.training import checkpointing, recipe
from napari_sr.training.checkpointing import (
    Reached,
    StateError,
    device_words,
    resume_check,
    training_card,
)
from napari_sr.training.recipe import as_table


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

    with pytest.raises(StateError, match=r"state\.pt is not a readable training state"):
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


def test_a_card_is_json_and_holds_a_recipe_to_train_again():
    config = tiny()

    found = json.loads(json.dumps(training_card(config, Reached(3, 7.4, 31.5, "cpu"))))

    assert (found["network"], found["scale"]) == ("fsrcnn", 2)
    assert (found["steps"], found["of"], found["seconds"]) == (3, 6, 7)
    assert found["psnr_validation"] == 31.5
    assert recipe.parse(found["recipe"], "card") == config


def test_words_say_how_many_computed():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert device_words(torch.device("cpu"), 1) == "cpu, 1 thread"
        torch.set_num_threads(2)
        assert device_words(torch.device("cpu"), 1) == "cpu, 2 threads"
        assert device_words(torch.device("cpu"), 3) == "3 x cpu, 2 threads"
    finally:
        torch.set_num_threads(threads)


STATE = {"config": as_table(tiny())}
OUT = Path("out")


def test_nothing_changed_is_nothing_told():
    assert resume_check(tiny(), STATE, OUT) == []


def test_a_key_that_an_older_version_did_not_know_is_no_change():
    old = {**STATE["config"], "data": {"crop": 8, "batch": 2}}

    assert resume_check(tiny(), {"config": old}, OUT) == []


def test_a_longer_training_is_told():
    assert resume_check(tiny(run={"steps": 9}), STATE, OUT) == ["run.steps was 6 and is now 9"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale": 3}, "out has a training run with scale = 2, got 3: give another folder"),
        ({"network": {"options": {"features": 8}}}, "network.options.features = 4, got 8"),
        ({"optimiser": {"kind": "sgd"}}, "optimiser.kind = 'adam', got 'sgd'"),
        ({"run": {"ema": 0.9}}, "run.ema = 0.0, got 0.9"),
        ({"adversary": {"kind": "relativistic", "weight": 1.0}}, "adversary.critic.* = None, got"),
    ],
)
def test_another_training_is_refused(changed, message):
    with pytest.raises(StateError, match=message):
        resume_check(tiny(**changed), STATE, OUT)
