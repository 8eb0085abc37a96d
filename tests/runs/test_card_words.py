"""Cards in words, and their facts for the advice."""

from __future__ import annotations

from napari_sr.runs.card_words import (
    MOST_PURPOSE,
    card_in_brief,
    card_in_words,
    facts_of,
    short_purpose,
)
from napari_sr.zoo.model_card import NO_CARD, ModelCard, card_from
from napari_sr.zoo.training_facts import UNKNOWN

WHOLE = ModelCard("a", "b", "MIT", "cells", "nuclei", 2, (0.1, 0.1), (0.0, 0.05))


def test_a_whole_card_misses_nothing():
    assert card_in_words(WHOLE) == (
        "Its card: name: a; author: b; licence: MIT; for: cells; trained on: nuclei; scale: x2; "
        "pixel size: 0.1 \u00b5m; noise: 0 to 0.05 of white."
    )


def test_what_is_missing_is_named():
    assert card_in_words(ModelCard(author="Ada")).endswith(
        "Not stated: name, licence, for, trained on, scale, pixel size, noise."
    )
    assert card_in_words(NO_CARD) == "No card: author, licence and purpose are not stated."
    assert card_in_words(None) == ""


def test_the_form_gets_author_and_licence_and_what_is_missing():
    assert card_in_brief(WHOLE) == "By b; licence MIT."
    assert card_in_brief(ModelCard("n", licence="MIT", purpose="p", trained_on="t", scale=2)) == (
        "Licence MIT. Not stated: author, pixel size, noise."
    )
    assert card_in_brief(NO_CARD) == card_in_words(NO_CARD)
    assert card_in_brief(None) == ""


def test_a_long_purpose_is_not_in_the_list():
    assert short_purpose(WHOLE) == "cells"
    assert short_purpose(ModelCard(purpose="x" * MOST_PURPOSE)) != ""
    assert short_purpose(ModelCard(purpose="x" * (MOST_PURPOSE + 1))) == ""


def test_the_advice_gets_pixel_size_and_noise_of_the_card_unless_ours_has_facts():
    facts = facts_of({}, WHOLE)

    assert (facts.images, facts.pixel, facts.noise) == ("nuclei", (0.1, 0.1), (0.0, 0.05))
    assert facts_of({}, card_from({"name": "a"})) is UNKNOWN
    ours = {"recipe": {"data": {"degradation": {"kind": "exposure"}}}}
    assert facts_of(ours, WHOLE).pixel is None
