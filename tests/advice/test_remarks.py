"""Remarks: each is made for its reason alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_sr.advice.remarks import GREY_ONLY, on_image, on_model
from napari_sr.advice.traits import Traits
from napari_sr.engine.image.noise import Noise
from napari_sr.zoo.training_facts import TrainingFacts

PLAIN = Traits((0.0, 100.0), 50.0, 5.0, 2.0, 0.0, None, columns=False)
PHOTOGRAPHS = TrainingFacts("photographs", (0, 0), (0, 0))
FLUORESCENCE = TrainingFacts("fluorescence", (0.001, 0.2), (0.3, 1.5), grey=True)


def told(facts, *, noisy=False, sharp=False, rgb=False, share=0.1, **sampling):
    """Return the remarks on a model as (short, against)."""
    noise = Noise(1.0, share, False, 0.0, 1.0)
    found = on_model("Mine", facts, noise, noisy=noisy, sharp=sharp, rgb=rgb, **sampling)
    return [(remark.short, remark.against) for remark in found]


@pytest.mark.parametrize(
    ("change", "width", "words"),
    [
        ({}, 2000.0, "uses values 0 to 100 only"),
        ({"saturated": 0.02}, None, "2.0% saturated"),
        ({"smoothed": True}, None, "smoothed noise"),
        ({"columns": True}, None, "pattern of columns"),
        ({"period": 4.26}, None, "pattern every 4.3 px"),
    ],
)
def test_an_image_is_remarked_on(change, width, words):
    (remark,) = on_image(replace(PLAIN, **change), width)

    assert remark.short == words
    assert remark.sentence.endswith(".")
    assert not remark.against


def test_few_pixels_make_the_advice_less_reliable():
    (remark,) = on_image(PLAIN, None, 63 * 64)

    assert remark.short == "4032 pixels only"
    assert "less reliable" in remark.sentence
    assert not remark.against
    assert on_image(PLAIN, None, 64 * 64) == ()


def test_images_without_other_than_empty_pixels_do_not_speak_of_others():
    (masked,) = on_image(replace(PLAIN, empty=1.0), None)

    assert masked.short == "made of flat squares"
    assert "few others" not in masked.sentence
    assert on_image(replace(PLAIN, empty=1.0, used=(7.0, 7.0)), None) == ()  # the reason says it


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
    assert told(FLUORESCENCE, noisy=True, rgb=True) == [(GREY_ONLY, False)]


def test_made_up_texture_is_always_told():
    srgan = replace(PHOTOGRAPHS, invents=True)

    assert told(srgan, sharp=True) == [("invents texture", True)]


def test_of_the_unknown_nothing_is_said():
    for noisy in (False, True):
        assert told(TrainingFacts(), noisy=noisy, rgb=True) == []


@pytest.mark.parametrize(
    ("facts", "blur", "words"),
    [
        (PHOTOGRAPHS, 0.5, []),
        (PHOTOGRAPHS, 1.0, ["more blur than in training"]),
        (FLUORESCENCE, 0.0, []),
        (FLUORESCENCE, 2.2, ["more blur than in training"]),
        (replace(FLUORESCENCE, blur=(1.0, 1.5)), 0.2, ["less blur than in training"]),
        (FLUORESCENCE, None, []),
    ],
)
def test_a_blur_that_the_model_never_saw_is_told(facts, blur, words):
    found = told(facts, noisy=facts.removes_noise, sharp=True, blur=blur)

    assert found == [(one, False) for one in words]


@pytest.mark.parametrize(("pixel", "fits"), [(0.14, True), (0.2, True), (0.33, True), (0.13, False),
                                             (0.34, False), (None, True)])  # fmt: skip
def test_pixels_of_another_size_than_in_training_are_told(pixel, fits):
    facts = replace(FLUORESCENCE, pixel=(0.15, 0.3))

    found = told(facts, noisy=True, pixel=pixel)

    assert found == ([] if fits else [("other pixel size than in training", False)])
    assert told(PHOTOGRAPHS, sharp=True, pixel=pixel) == []
