"""Anybody can write a card: what is wrong in one is told or left out, and never used."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save

from napari_sr.zoo.card import (
    card_in,
    card_of,
    number_in,
    options_in,
    scale_in,
    text_in,
    trained_on_grey,
)

STATE = {"a": torch.ones(2)}


def test_a_card_is_read_from_the_header(tmp_path):
    (tmp_path / "a").write_bytes(save(STATE, {"card": json.dumps({"scale": 2})}))

    assert card_of(tmp_path / "a") == {"scale": 2}
    assert card_in((tmp_path / "a").read_bytes()) == {"scale": 2}


@pytest.mark.parametrize(
    ("card", "grey"),
    [
        ({"recipe": {"data": {"grey": True}}}, True),
        ({"recipe": {"data": {"grey": False}}}, False),
        ({"recipe": {"data": {}}}, None),
        ({"network": "EDSR", "seed": 0}, False),
        ({"network": "EDSR", "recipe": {"data": {"grey": True}}}, True),
        ({"recipe": [1], "data": {"grey": True}}, None),
        ({}, None),
    ],
)
def test_a_card_tells_of_a_training_on_grey(card, grey):
    assert trained_on_grey(card) is grey


@pytest.mark.parametrize(
    "metadata",
    [
        {"card": "[" * 100_000},
        {"card": '{"a":' * 50_000},
        {"card": "[1]"},
        {"card": "nothing"},
        {"card": "1" * 5000},
        {"other": "x"},
        None,
    ],
    ids=lambda metadata: str(metadata)[:30],
)
def test_a_card_that_cannot_be_read_is_none(metadata, tmp_path):
    (tmp_path / "a").write_bytes(save(STATE, metadata))

    assert card_of(tmp_path / "a") == {}


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"PK\3\4", b"\xff" * 100])
def test_a_file_of_another_kind_has_no_card(content, tmp_path):
    (tmp_path / "a").write_bytes(content)

    assert card_of(tmp_path / "a") == {}
    assert card_of(tmp_path / "absent") == {}
    assert card_of(tmp_path) == {}


@pytest.mark.parametrize("scale", [1, 2, 64])
def test_a_scale_is_a_whole_number(scale):
    assert scale_in({"scale": scale}) == scale
    assert scale_in({}) is None


@pytest.mark.parametrize("scale", [True, 0, -2, 65, 3000, 1e9, 2.0, "2", float("nan"), [2], {}])
def test_another_scale_is_refused_with_it(scale):
    with pytest.raises(ValueError, match="must be a whole number from 1 to 64, got ") as told:
        scale_in({"scale": scale})

    assert f"got {scale!r}: give scale=" in str(told.value)


def test_options_are_numbers_texts_and_lists():
    options = {"a": 1, "b": 0.5, "c": "x", "d": True, "e": [1, 2], "f": None}

    assert options_in({"options": options}) == {**options, "e": (1, 2)}
    assert options_in({}) == {}


@pytest.mark.parametrize(
    "options",
    [[1], "x", {"a": 5000}, {"a": -1e9}, {"a": 10**400}, {"a": float("nan")}, {"a": {}},
     {"a": [[1]]}, {"a": "x" * 300}, {"scale": 2}, {"state": 2}],
    ids=lambda options: str(options)[:20],
)  # fmt: skip
def test_other_options_are_refused(options):
    with pytest.raises(ValueError, match="its card's options must be"):
        options_in({"options": options})


def test_numbers_and_texts_are_checked():
    assert number_in({"a": 3}, "a") == 3.0
    assert text_in({"a": "x"}, "a") == "x"
    for wrong in (True, "3", float("inf"), float("nan"), 10**400, None):
        with pytest.raises(ValueError, match="a must be a number"):
            number_in({"a": wrong}, "a")
    for wrong in (3, "x" * 201, None):
        with pytest.raises(ValueError, match="a must be a string"):
            text_in({"a": wrong}, "a")
