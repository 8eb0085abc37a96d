"""The registry's entries of files that ship match the files."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from napari_sr.zoo.card import card_of, trained_on_grey
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import entries
from napari_sr.zoo.update_registry import update_registry

SHIPS = [entry for entry in entries() if entry.url is None and not entry.computed]


@pytest.mark.parametrize("entry", SHIPS, ids=lambda entry: entry.name)
def test_the_entry_matches_the_file_that_ships(entry):
    content = (SHIPPED / entry.file).read_bytes()

    assert entry.size == len(content)
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    card = card_of(SHIPPED / entry.file)
    score = card.get("psnr_set5_luma")
    assert entry.psnr_set5 == (None if score is None else round(score, 2))
    assert entry.grey is bool(trained_on_grey(card))  # None: the card has no recipe


def test_nothing_ships_that_the_registry_does_not_know():
    files = {path.name for path in SHIPPED.iterdir()}

    assert files == {entry.file for entry in SHIPS}


def test_the_update_writes_size_hash_and_score_of_what_ships_alone(tmp_path):
    registry, file = tmp_path / "registry.json", tmp_path / "a.safetensors"
    away = {"name": "b", "url": "somewhere", "sha256": "kept"}
    registry.write_text(
        json.dumps([{"name": "a", "file": file.name, "url": None, "parameters": 3}, away])
    )
    save_file(
        {"w": torch.zeros(3)}, file, metadata={"card": json.dumps({"psnr_set5_luma": 36.987})}
    )

    names = update_registry(registry, tmp_path)

    updated, other = json.loads(registry.read_text())
    assert names == ["a"]
    assert updated["size"] == file.stat().st_size
    assert updated["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert updated["psnr_set5"] == 36.99
    assert other == away


def test_a_file_without_a_card_has_no_score(tmp_path):
    save_file({"w": torch.zeros(3)}, tmp_path / "a.safetensors")

    assert card_of(tmp_path / "a.safetensors") == {}


@pytest.mark.parametrize("grey", [True, False])
def test_the_update_writes_whether_it_was_trained_on_grey_whatever_was_there(grey, tmp_path):
    registry, told = tmp_path / "registry.json", {"recipe": {"data": {"grey": grey}}}
    record = {"name": "a", "file": "a.safetensors", "url": None, "parameters": 3, "grey": not grey}
    registry.write_text(json.dumps([record]))
    save_file(
        {"w": torch.zeros(3)}, tmp_path / "a.safetensors", metadata={"card": json.dumps(told)}
    )

    update_registry(registry, tmp_path)

    assert json.loads(registry.read_text())[0].get("grey", False) is grey
