"""What a model was trained on, as the registry says it."""

from __future__ import annotations

import pytest

from napari_sr.zoo.registry import entries, find
from napari_sr.zoo.training_facts import TrainingFacts, facts_from

LEARNED = [entry for entry in entries() if not entry.computed]


@pytest.mark.parametrize("entry", LEARNED, ids=lambda entry: entry.name)
def test_the_registry_knows_what_each_network_was_trained_on(entry):
    facts = entry.training

    assert facts.images
    assert 0 <= facts.noise[0] <= facts.noise[1] < 1
    assert 0 <= facts.blur[0] <= facts.blur[1]
    assert facts.grey is entry.grey


def test_interpolation_learned_nothing():
    assert find("bicubic", 2).training == TrainingFacts()


def test_only_models_for_clean_images_are_faithful_to_them():
    assert find("edsr-slim", 2).training.faithful
    assert not find("microscope").training.faithful
    assert find("microscope").training.removes_noise
    assert not find("srgan").training.faithful
    assert not TrainingFacts().faithful


def test_lists_become_tuples():
    assert facts_from({"noise": [0, 0.2], "images": "any"}) == TrainingFacts("any", (0, 0.2))
    with pytest.raises(TypeError, match="sound"):
        facts_from({"sound": [0, 1]})
