"""The card of a file is in its metadata or beside it, and never another file's."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from napari_sr.zoo.card_files import LONGEST, card_for
from napari_sr.zoo.model_card import NO_CARD


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "4x_My Cells.pth"
    torch.save({"a": torch.zeros(1)}, path)
    return path


def beside(file, name, record):
    text = record if isinstance(record, str) else json.dumps(record)
    (file.parent / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["4x_My Cells.json", "4x_My Cells.pth.json", "4x-My-Cells.json", "4X_MYCELLS.json"]
)
def test_a_card_is_known_by_the_file_s_name(file, name):
    beside(file, name, {"author": "Ada"})

    card, place = card_for(file)

    assert (card.author, place) == ("Ada", name)


@pytest.mark.parametrize("name", ["other.json", "4x_My Cells.pth.import.json"])
def test_the_card_of_another_file_is_not_taken(file, name):
    beside(file, name, {"author": "Ada"})

    assert card_for(file) == (NO_CARD, "")


def test_a_hash_decides_and_not_the_name(file):
    beside(file, "4x_My Cells.json", {"author": "Eve", "resources": [{"sha256": "12"}]})
    beside(file, "zoo.json", {"author": "Ada", "resources": [{"sha256": None}, {"sha256": "AB"}]})

    assert card_for(file, "ab")[0].author == "Ada"
    assert card_for(file, "cd") == (NO_CARD, "")
    assert card_for(file)[0].author == "Eve"  # the hash is not known


def test_a_file_s_own_metadata_come_first(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"author": "Ada"})
    beside(path, "a.json", {"author": "Eve"})

    assert card_for(path)[0].author == "Ada"


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "{", '{"a":' * 100_000, '{"x": "' + "x" * LONGEST + '"}', '{"scale": 0}']
)
def test_a_card_that_cannot_be_read_is_no_card(file, text):
    beside(file, "4x_My Cells.json", text)

    assert card_for(file) == (NO_CARD, "")


def test_a_card_may_begin_with_a_byte_order_mark(file):
    beside(file, "4x_My Cells.json", '\ufeff{"author": "Ada"}')  # as some editors on Windows write

    assert card_for(file)[0].author == "Ada"


def test_a_folder_that_is_called_as_a_card_is_no_card(file):
    (file.parent / "4x_My Cells.json").mkdir()

    assert card_for(file) == (NO_CARD, "")
