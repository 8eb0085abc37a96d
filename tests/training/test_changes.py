"""What may change in a recipe while its training lies still."""

from __future__ import annotations

from pathlib import Path

import pytest
from trainings import tiny

from napari_sr.training.changes import changes
from napari_sr.training.checkpointing import StateError
from napari_sr.training.recipe import as_table

STATE = {"config": as_table(tiny())}
OUT = Path("out")


def test_nothing_changed_is_nothing_told():
    assert changes(tiny(), STATE, OUT) == []


def test_a_key_that_an_older_version_did_not_know_is_no_change():
    old = {**STATE["config"], "data": {"crop": 8, "batch": 2}}

    assert changes(tiny(), {"config": old}, OUT) == []


def test_a_longer_training_is_told():
    assert changes(tiny(run={"steps": 9}), STATE, OUT) == ["run.steps was 6 and is now 9"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale": 3}, "out holds a training with scale = 2, got 3: give another folder"),
        ({"network": {"options": {"features": 8}}}, "network.options.features = 4, got 8"),
        ({"optimiser": {"kind": "sgd"}}, "optimiser.kind = 'adam', got 'sgd'"),
        ({"run": {"ema": 0.9}}, "run.ema = 0.0, got 0.9"),
        ({"adversary": {"kind": "relativistic", "weight": 1.0}}, "adversary.critic.* = None, got"),
    ],
)
def test_another_training_is_refused(changed, message):
    with pytest.raises(StateError, match=message):
        changes(tiny(**changed), STATE, OUT)
