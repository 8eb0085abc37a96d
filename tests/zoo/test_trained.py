from __future__ import annotations

import json
import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from napari_sr.zoo import trained

CARD = {
    "network": "fsrcnn",
    "scale": 2,
    "options": {"features": 8},
    "here": {
        "base_model": "FSRCNN x2",
        "images": ["cell", "b", "c", "d", "e"],
        "degradation": "bicubic",
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


def test_without_a_folder_there_are_no_networks(folder):
    assert trained.networks() == []
    assert not folder.exists()


def test_a_file_tells_what_it_is_and_how_good(folder):
    put(folder, "my cells", CARD)

    (one,) = trained.networks()

    assert (one.name, one.architecture, one.scale) == ("my cells", "fsrcnn", 2)
    assert one.options == {"features": 8}
    assert "on cell, b, c and 2 more, from FSRCNN x2 (degradation: bicubic" in one.summary
    assert "31.26 dB, bicubic 30.50 dB. Good for images like these only." in one.summary


def test_a_network_that_learnt_from_noisy_images_says_so_without_a_degradation(folder):
    here = {**CARD["here"], "degradation": "noisy images alone: thinning, no spot"}
    put(folder, "my cells", {**CARD, "here": here})

    (one,) = trained.networks()

    assert "from FSRCNN x2 (noisy images alone: thinning, no spot)." in one.summary


def test_a_file_tells_what_it_was_trained_on(folder):
    recipe = {"data": {"degradation": {"kind": "microscope", "options": {}}, "grey": True}}
    put(folder, "my cells", {**CARD, "recipe": recipe})

    (one,) = trained.networks()

    assert one.training.removes_noise
    assert one.training.grey


def test_one_that_is_no_better_than_bicubic_says_so(folder):
    put(folder, "poor", {**CARD, "here": {**CARD["here"], "psnr": 30.5}})

    assert "30.50 dB: not better than bicubic" in trained.networks()[0].summary


def test_what_is_not_ours_is_left_out(folder):
    put(folder, "b good", CARD)
    put(folder, "A good", CARD)
    put(folder, "no card", None)
    put(folder, "of a recipe", {key: CARD[key] for key in ("network", "scale", "options")})
    put(folder, "half a card", {**CARD, "here": {"base_model": "?"}})
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


@pytest.mark.parametrize(
    "change",
    [
        {"scale": True},
        {"scale": 3000},
        {"scale": 1e9},
        {"scale": -2},
        {"scale": 0},
        {"scale": "2"},
        {"scale": 2.0},
        {"scale": float("nan")},
        {"scale": None},
        {"scale": [2]},
        {"network": 3},
        {"network": ["fsrcnn"]},
        {"options": [1]},
        {"options": "features"},
        {"options": {"features": 10**9}},
        {"options": {"features": {"a": 1}}},
        {"options": {"input_range": float("inf")}},
        {"options": {"scale": 3}},
        {"here": 3},
        {"here": []},
        {"here": {**CARD["here"], "psnr": "31"}},
        {"here": {**CARD["here"], "psnr": float("nan")}},
        {"here": {**CARD["here"], "bicubic": True}},
        {"here": {**CARD["here"], "bicubic": 10**400}},
        {"here": {**CARD["here"], "images": "cell"}},
        {"here": {**CARD["here"], "images": 3}},
        {"here": {**CARD["here"], "images": [3]}},
        {"here": {**CARD["here"], "base_model": "x" * 10_000}},
        {"here": {**CARD["here"], "degradation": None}},
    ],
    ids=lambda change: str(change)[:70],
)
def test_a_card_of_wrong_values_takes_no_other_away(folder, change):
    put(folder, "good", CARD)
    put(folder, "wrong", {**CARD, **change})

    assert [one.name for one in trained.networks()] == ["good"]


def test_a_card_that_nests_too_deep_takes_no_other_away(folder):
    put(folder, "good", CARD)
    weight = {"weight": np.zeros(1, np.float32)}
    save_file(weight, folder / "deep.safetensors", {"card": "[" * 100_000})
    save_file(weight, folder / "deeper.safetensors", {"card": '{"here":' * 100_000})

    assert [one.name for one in trained.networks()] == ["good"]


def test_a_pipe_and_a_folder_among_the_networks_are_left_out(folder):
    put(folder, "good", CARD)
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "folder.safetensors").mkdir()

    assert [one.name for one in trained.networks()] == ["good"]


def test_a_folder_that_cannot_be_read_has_no_networks(folder, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "glob", refuse)

    assert trained.networks() == []


def test_the_folder_may_lie_below_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(trained.VARIABLE, "~/mine")
    assert trained.folder() == tmp_path / "mine"

    monkeypatch.setenv(trained.VARIABLE, "~no such user/mine")
    assert trained.networks() == []


@pytest.mark.parametrize(
    ("psnr", "words"),
    [(34.2, "On their held-out part, at least 4.0 dB above bicubic"), (30.4, "(degradation")],
)
def test_a_lower_bound_is_shown_as_such_or_not_at_all(folder, psnr, words):
    here = {**CARD["here"], "psnr": psnr, "bicubic": 30.2, "bound": True}
    put(folder, "noisy", {**CARD, "here": here})

    (found,) = trained.networks()

    assert words in found.summary
    assert f"{psnr}" not in found.summary
