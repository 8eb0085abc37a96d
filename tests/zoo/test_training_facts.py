"""What a model was trained on, as the registry says it."""

from __future__ import annotations

import pytest

from napari_sr.training.data.camera import Camera
from napari_sr.training.data.optics import Optics
from napari_sr.zoo import training_facts
from napari_sr.zoo.card import card_of
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import entries, find
from napari_sr.zoo.training_facts import OWN, TrainingFacts, facts_from, facts_in

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


def a_card(kind="microscope", options=None, here=None, **data):
    """Return the card of a training run."""
    degradation = {"kind": kind, "options": options or {}}
    card = {"recipe": {"data": {"degradation": degradation, **data}}}
    return card if here is None else {**card, "here": here}


def test_the_registry_says_of_our_own_models_what_their_cards_say():
    for entry in LEARNED:
        if entry.url is None:
            card = facts_in(card_of(SHIPPED / entry.file))
            assert card.noise is None or card.noise == pytest.approx(entry.training.noise, abs=1e-3)
            assert card.grey is entry.grey
    microscope = find("microscope")
    card = facts_in(card_of(SHIPPED / microscope.file))
    assert card.noise is not None
    assert card.blur == pytest.approx(microscope.training.blur, abs=0.01)
    assert card.pixel == microscope.training.pixel


def test_a_card_tells_noise_blur_and_pixel_size():
    optics = {"wavelength": 0.5, "aperture": [0.5, 1.0], "pixel": 0.1}
    camera = {"photons": [100, 1000], "read_noise": 0}

    facts = facts_in(a_card(options={"optics": optics, "camera": camera}, grey=True))

    assert facts.noise == (0, pytest.approx(0.1))
    assert facts.blur == (pytest.approx(1.05), pytest.approx(2.1))
    assert facts.pixel == (0.1, 0.1)
    assert facts.grey
    assert facts.removes_noise


def test_what_a_card_leaves_out_is_the_training_s_default():
    assert Camera().photons == training_facts.PHOTONS
    assert Camera().read_noise == training_facts.READ_NOISE
    optics = Optics()
    found = optics.wavelength, optics.aperture, optics.pixel
    usual = training_facts
    assert found == (usual.WAVELENGTH, usual.APERTURE, usual.PIXEL)


def test_the_noise_of_the_user_s_own_images_is_unknown():
    assert facts_in(a_card("bicubic", here={})) == TrainingFacts(OWN)
    assert facts_in(a_card("bicubic")).noise == (0, 0)
    assert facts_in(a_card(here={})).removes_noise
    assert facts_in(a_card("bicubic", recorded=["a"])).noise is None


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"recipe": 3},
        {"recipe": {"data": []}},
        a_card("of tomorrow"),
        a_card(options={"camera": {"photons": "many"}, "optics": {"pixel": 0}}),
        a_card(options={"camera": {"photons": [0, 5]}, "optics": {"pixel": [3, 1]}}),
        a_card(options={"camera": {"photons": float("nan")}, "optics": {"aperture": [0, 1]}}),
        a_card(options={"camera": {"photons": 10**400}, "optics": {"wavelength": 10**400}}),
        a_card(options={"camera": {"read_noise": [1, 2, 3]}, "optics": {"pixel": True}}),
    ],
)
def test_what_is_missing_or_wrong_in_a_card_is_unknown(card):
    facts = facts_in(card)

    assert facts.noise is None
    assert facts.blur is None


def test_only_networks_that_saw_clean_and_noisy_images_take_any_noise():
    assert find("micrograph-x2").training.any_noise
    assert not find("micrograph-x2").training.can_follow
    assert not find("microscope").training.any_noise
    assert not find("fsrcnn-x2").training.any_noise
    assert find("fsrcnn-x2").training.can_follow
    assert not TrainingFacts().any_noise
