from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from napari_sr.zoo import trained

CARD = {
    "network": "fsrcnn",
    "scale": 2,
    "options": {"features": 8},
    "here": {
        "origin": "FSRCNN x2",
        "images": ["cell", "b", "c", "d", "e"],
        "shrunk": "bicubic",
        "psnr": 31.256,
        "bicubic": 30.5,
    },
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    return tmp_path / "networks"


def put(folder, name, card):
    folder.mkdir(exist_ok=True)
    metadata = None if card is None else {"card": json.dumps(card)}
    save_file({"weight": np.zeros(3, np.float32)}, folder / f"{name}.safetensors", metadata)


@pytest.mark.parametrize(
    ("card", "grey"),
    [
        ({"recipe": {"data": {"grey": True}}}, True),
        ({"recipe": {"data": {"grey": False}}}, False),
        ({"recipe": {"data": {}}}, False),
        ({"recipe": [1], "data": {"grey": True}}, False),
        ({}, False),
    ],
)
def test_a_card_tells_of_a_training_on_grey(card, grey):
    assert trained.trained_on_grey(card) is grey


def test_without_a_folder_there_are_no_networks(folder):
    assert trained.networks() == []
    assert not folder.exists()


def test_a_file_tells_what_it_is_and_how_good(folder):
    put(folder, "my cells", CARD)

    (one,) = trained.networks()

    assert (one.name, one.architecture, one.scale) == ("my cells", "fsrcnn", 2)
    assert one.options == {"features": 8}
    assert "on cell, b, c and 2 more from FSRCNN x2, small images by bicubic" in one.summary
    assert "31.26 dB, bicubic 30.50 dB. Good for images like these only." in one.summary


def test_one_that_is_no_better_than_bicubic_says_so(folder):
    put(folder, "poor", {**CARD, "here": {**CARD["here"], "psnr": 30.5}})

    assert "30.50 dB: not better than bicubic" in trained.networks()[0].summary


def test_what_is_not_ours_is_left_out(folder):
    put(folder, "b good", CARD)
    put(folder, "A good", CARD)
    put(folder, "no card", None)
    put(folder, "of a recipe", {key: CARD[key] for key in ("network", "scale", "options")})
    put(folder, "half a card", {**CARD, "here": {"origin": "?"}})
    (folder / "broken.safetensors").write_bytes(b"nothing")

    assert [one.name for one in trained.networks()] == ["A good", "b good"]


def test_a_name_that_is_taken_gets_a_number(folder):
    put(folder, "cell", CARD)
    put(folder, "cell (2)", CARD)

    assert trained.free_name("cell") == "cell (3)"
    assert trained.free_name("a/b: c") == "a_b_ c"
    assert trained.free_name("..") == "network"


@pytest.mark.parametrize("name", ["", "  ", "a/b", ".hidden", "what?", "x" * 101])
def test_a_name_that_no_file_can_have_is_refused_with_it(name):
    with pytest.raises(ValueError, match="a network's name needs") as told:
        trained.place(name)

    assert repr(name.strip()) in str(told.value)


def test_the_folder_is_the_users_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv(trained.VARIABLE)

    assert trained.folder().parts[-2:] == ("napari-sr", "networks")
