"""The tables of networks and models, in words and in widths."""

from __future__ import annotations

import json

import pytest
import torch

from napari_sr import models
from napari_sr.cli import models as listing
from napari_sr.runs.model_file import import_file
from napari_sr.zoo import trained
from napari_sr.zoo.networks import published
from napari_sr.zoo.registry import entries


def named(name):
    return next(one for one in published() if one.name == name)


def test_a_network_is_a_row_with_its_scales_beside_each_other():
    assert listing.network_row(named("IMDN")) == (
        "IMDN", "2019", "x2, x3, x4", "694 / 703 / 715 K", "159 / 71.3 / 40.9 G", "colour", "all",
        "none stated", "arxiv.org/abs/1909.11856",
    )  # fmt: skip


def test_a_brief_row_says_what_it_takes_at_the_usual_scale():
    assert listing.brief_row(named("FSRCNN"))[2:8] == (
        "2,3,4", "12.8 K", "718 M", "luma", "7", "BSD-3-Clause",
    )  # fmt: skip
    assert listing.brief_row(named("LapSRN x8"))[2:4] == ("8", "667 K")


@pytest.mark.parametrize(
    ("radii", "expected"), [([8, 8], "8"), ([8, 7], "8 / 7"), ([None, None], "all")]
)
def test_radii_are_said_once_where_they_are_equal(radii, expected):
    assert listing.radii(radii) == expected


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_terminal_is_not_too_narrow(columns):
    lines = listing.text(columns).splitlines()

    assert max(map(len, lines)) <= columns
    assert {one.name for one in published()} <= {line[:20].strip() for line in lines}
    trained = {word for entry in entries() for word in entry.trained_on.split()}
    assert trained <= set(listing.text(columns).split())
    assert {entry.name for entry in entries()} <= {line.split(" ")[0] for line in lines}
    assert ("arxiv.org/abs/1707.02921" in listing.text(columns)) == (columns > 103)


def test_all_is_shown_where_there_is_room():
    lines = listing.text().splitlines()

    assert listing.text(1000) == listing.text()
    assert any(line.startswith("BSRN ") and "71.9 / 32.8 / 19.2 G" in line for line in lines)
    assert any(line.startswith("bsrn-x4 ") and "352,400" in line for line in lines)


def test_programs_get_all_that_is_known():
    found = json.loads(listing.as_json())

    bsrn = next(one for one in found["networks"] if one["name"] == "BSRN")
    assert bsrn["costs"][2] == {
        "scale": 4, "parameters": 352_400, "multiply_adds": 19_177_176_448, "radius": None,
    }  # fmt: skip
    assert bsrn["licences"] == ["MIT"]
    assert [one["name"] for one in found["models"]] == [entry.name for entry in entries()]
    assert found["models"][0]["where"] == "shipped"


def test_only_rows_with_all_words_are_shown():
    lines = listing.text(words="bsrn x4 MIT").splitlines()

    assert [line.split(" ")[0] for line in lines if line.startswith(("bsrn", "BSRN"))] == [
        "BSRN", "BSRN-S", "bsrn-x4", "bsrn-s-x4",
    ]  # fmt: skip
    assert not any(line.startswith("fsrcnn") for line in lines)
    found = json.loads(listing.as_json("noisy fluorescence"))
    names = [one["name"] for one in found["models"]]
    assert (found["networks"], names) == ([], ["microscope-x2", "micrograph-x2", "micrograph-x4"])


@pytest.mark.parametrize("scale", ["x1", "\N{MULTIPLICATION SIGN}1", "1 x"])
def test_networks_are_found_by_their_scale_in_any_spelling(scale):
    found = json.loads(listing.as_json(scale))["networks"]

    assert {one["name"] for one in found} == {"UltraCompact", "SuperUltraCompact"}


def test_a_search_without_a_hit_says_so():
    assert listing.text(80, "bsrn nonsense") == "No network and no model has all of: bsrn nonsense"


def test_own_files_are_listed_last(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path))
    record = models.architecture("fsrcnn")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "mine.pth")
    place = import_file(tmp_path / "mine.pth")

    last = listing.text().splitlines()[-1].split()

    assert (last[:2], last[-2:]) == ([str(place), "any"], ["own", "file"])
    own = json.loads(listing.as_json())["models"][-1]
    assert (own["name"], own["year"], own["scale"]) == (str(place), 2016, None)


def test_programs_get_the_card_of_a_file_and_what_it_does_not_state(tmp_path, monkeypatch):
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "own"))
    record = models.architecture("edsr")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "a.pth")
    (tmp_path / "a.json").write_text('{"author": "Ada", "noise": 0.1}', encoding="utf-8")
    import_file(tmp_path / "a.pth")

    *_, own = json.loads(listing.as_json("Ada"))["models"]

    assert own["card"] == {"author": "Ada", "noise": [0.1, 0.1]}
    assert own["not_stated"] == ["name", "licence", "for", "trained on", "scale", "pixel size"]
