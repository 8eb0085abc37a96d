"""What a model's card says, in words for lists, and the facts in it that the advice uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.zoo.training_facts import UNKNOWN, TrainingFacts, facts_in

if TYPE_CHECKING:
    from napari_sr.zoo.model_card import ModelCard

MOST_PURPOSE = 60
"""Largest number of characters of a purpose in the list of models."""


def facts_of(own: dict[str, Any], card: ModelCard) -> TrainingFacts:
    """Return the facts in the card of our training, or else those in another card."""
    found = facts_in(own)
    return card.training if found == UNKNOWN else found


def short_purpose(card: ModelCard) -> str:
    """Return what a card says that the model is for, if a line of the list has room for it."""
    return card.purpose if len(card.purpose) <= MOST_PURPOSE else ""


def card_in_brief(card: ModelCard | None) -> str:
    """Return author and licence, and what a card does not state; "" for None.

    The purpose is beside the model's name. The form has room for few words.
    """
    if card is None or not card.stated():
        return card_in_words(card)
    facts = [card.author and f"By {card.author}", card.licence and f"licence {card.licence}"]
    told = "; ".join(filter(None, facts))
    missing = f"Not stated: {', '.join(card.missing)}." if card.missing else ""
    sentence = f"{told[0].upper()}{told[1:]}." if told else ""
    return " ".join(filter(None, (sentence, missing)))


def card_in_words(card: ModelCard | None) -> str:
    """Return what a card states and what it does not state, in two sentences; "" for None."""
    if card is None:
        return ""
    stated = card.stated()
    if not stated:
        return "No card: author, licence and purpose are not stated."
    missing = f" Not stated: {', '.join(card.missing)}." if card.missing else ""
    return f"Its card: {'; '.join(stated)}.{missing}"
