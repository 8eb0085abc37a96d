"""Remarks: each is made for its reason alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_sr.advice.noise import Noise
from napari_sr.advice.remarks import on_image, on_model
from napari_sr.advice.traits import Traits
from napari_sr.zoo.training_facts import TrainingFacts

PLAIN = Traits((0.0, 100.0), 50.0, 5.0, 2.0, 0.0, None, columns=False)
PHOTOGRAPHS = TrainingFacts("photographs", (0, 0), (0, 0))
FLUORESCENCE = TrainingFacts("fluorescence", (0.001, 0.2), (0.3, 1.5), grey=True)


def told(facts, *, noisy=False, sharp=False, rgb=False, share=0.1):
    """Return the remarks on a model as (short, against)."""
    noise = Noise(1.0, share, False, 0.0, 1.0)
    found = on_model("Mine", facts, noise, noisy=noisy, sharp=sharp, rgb=rgb)
    return [(remark.short, remark.against) for remark in found]


@pytest.mark.parametrize(
    ("change", "width", "words"),
    [
        ({}, 2000.0, "uses values 0 to 100 only"),
        ({"saturated": 0.02}, None, "2.0% saturated"),
        ({"columns": True}, None, "pattern of columns"),
        ({"period": 4.26}, None, "pattern every 4.3 px"),
    ],
)
def test_an_image_is_remarked_on(change, width, words):
    (remark,) = on_image(replace(PLAIN, **change), width)

    assert remark.short == words
    assert remark.sentence.endswith(".")
    assert not remark.against


@pytest.mark.parametrize("width", [None, 900.0])
def test_a_plain_image_is_not(width):
    assert on_image(PLAIN, width) == ()


def test_networks_for_photographs_suit_clean_and_sharp_images_only():
    assert told(PHOTOGRAPHS, sharp=True, rgb=True) == []
    assert told(PHOTOGRAPHS, noisy=True) == [("noise", True)]
    assert told(PHOTOGRAPHS) == [("little fine detail", True)]


def test_networks_that_remove_noise_suit_noisy_images_only():
    assert told(FLUORESCENCE, noisy=True) == []
    assert told(FLUORESCENCE, sharp=True) == [("detail above the noise", True)]
    assert told(FLUORESCENCE) == [("detail above the noise", True)]


def test_more_noise_than_in_training_and_colours_are_told_but_not_against_it():
    assert told(FLUORESCENCE, noisy=True, share=0.3) == [("more noise than in training", False)]
    assert told(FLUORESCENCE, noisy=True, rgb=True) == [("trained on grey, not on colours", False)]


def test_made_up_texture_is_always_told():
    srgan = replace(PHOTOGRAPHS, invents=True)

    assert told(srgan, sharp=True) == [("invents texture", True)]


def test_of_the_unknown_nothing_is_said():
    for noisy in (False, True):
        assert told(TrainingFacts(), noisy=noisy, rgb=True) == []
