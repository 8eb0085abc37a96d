"""Cards in three formats; wrong values count as missing."""

from __future__ import annotations

import json

import pytest

from napari_sr.zoo.model_card import (
    LONGEST,
    NO_CARD,
    ModelCard,
    card_from,
    card_from_metadata,
)

OPENMODELDB = {
    "name": "Cells",
    "author": ["ada", "grace"],
    "license": "CC-BY-NC-SA-4.0",
    "tags": ["cartoon", "restoration"],
    "description": "Improves drawings.\n\n-------\n\nIt has artifacts.",
    "date": "2023-12-14",
    "architecture": "span",
    "size": None,
    "scale": 1,
    "inputChannels": 3,
    "outputChannels": 3,
    "resources": [{"platform": "pytorch", "type": "pth", "size": 9, "sha256": "ab", "urls": []}],
    "dataset": "somebody's drawings",
    "images": [],
}


def test_our_format_is_read():
    record = {
        "name": "a", "author": "b", "licence": "MIT", "for": "nuclei", "trained_on": "my cells",
        "scale": 4, "pixel_size": 0.1, "noise": [0, 0.05],
    }  # fmt: skip

    assert card_from(record) == ModelCard(
        "a", "b", "MIT", "nuclei", "my cells", 4, (0.1, 0.1), (0.0, 0.05)
    )
    assert card_from(record).missing == ()


def test_a_record_of_the_collection_is_read():
    card = card_from(OPENMODELDB)

    assert card == ModelCard(
        name="Cells",
        author="ada, grace",
        licence="CC-BY-NC-SA-4.0",
        purpose="cartoon, restoration",
        trained_on="somebody's drawings",
        scale=1,
    )
    assert card.missing == ("pixel size", "noise")


@pytest.mark.parametrize(
    ("changes", "purpose"),
    [
        ({"description": "Category: Luma\nPurpose: Old films\n\nMore."}, "Old films"),
        ({"tags": []}, "Improves drawings. ------- It has artifacts."),
        ({"for": "mine"}, "mine"),
        ({"tags": [], "description": None}, ""),
    ],
)
def test_the_purpose_is_the_plainest_that_is_stated(changes, purpose):
    assert card_from({**OPENMODELDB, **changes}).purpose == purpose


def test_a_licence_of_null_is_missing():
    assert card_from({**OPENMODELDB, "license": None}).licence == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 3}, {"author": {"a": 1}}, {"licence": True}, {"scale": 0}, {"scale": 2.5},
        {"scale": True}, {"scale": 65}, {"pixel_size": 0}, {"pixel_size": [0.2, 0.1]},
        {"pixel_size": "0.1"}, {"noise": -0.1}, {"noise": [1, 2, 3]}, {"noise": float("nan")},
        {"noise": float("inf")}, {"pixel_size": 10**400}, {"noise": [0, 10**400]},
        {"pixel_size": [True, 1]}, {"tags": 3}, {"description": ["a", 3]},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_values_are_missing(wrong):
    card = card_from(wrong)

    assert card in (NO_CARD, ModelCard(purpose="a"))


def test_long_and_odd_texts_become_one_short_line():
    card = card_from({"name": "a\n\x1b[31mb\t c", "author": "x" * 1000})

    assert card.name == "a [31mb c"
    assert len(card.author) == LONGEST


def test_what_is_kept_is_read_again():
    card = card_from({**OPENMODELDB, "noise": 0.1, "pixel_size": [0.1, 0.3]})

    assert card_from(json.loads(json.dumps(card.as_record()))) == card


@pytest.mark.parametrize(
    ("metadata", "card"),
    [
        ({"format": "pt"}, NO_CARD),
        (
            {"author": "Ada", "scale": "4", "noise": "0.01, 0.1"},
            ModelCard("", "Ada", scale=4, noise=(0.01, 0.1)),
        ),
        ({"modelspec.title": "A", "modelspec.license": "MIT"}, ModelCard("A", licence="MIT")),
        (
            {"card": '{"author": "Ada", "pixel_size": 0.2}'},
            ModelCard(author="Ada", pixel=(0.2, 0.2)),
        ),
        ({"pixel_size": "9" * 400}, NO_CARD),
        ({"card": "[1"}, NO_CARD),
        ({"author": 3}, NO_CARD),
    ],
)  # fmt: skip
def test_metadata_of_a_file_are_a_card(metadata, card):
    assert card_from_metadata(metadata) == card
