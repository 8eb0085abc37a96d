"""The rows of the table of models: facts, search, and what may be downloaded or removed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from napari_sr import models
from napari_sr.runs.model_file import import_file
from napari_sr.runs.model_list import IMPORTED
from napari_sr.runs.model_table import citation, rows, searched
from napari_sr.runs.words import TIMES
from napari_sr.zoo import download, registry, trained
from napari_sr.zoo.networks import published


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def imported(tmp_path):
    """Return the row of an imported EDSR."""
    record = models.architecture("edsr")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "photo.pth")
    import_file(tmp_path / "photo.pth")
    return next(row for row in rows() if row.model.heading == IMPORTED)


def row(name):
    return next(one for one in rows() if one.model.name == name)


def pretend(monkeypatch, *names, folder):
    """Let some models be on this machine."""
    here = {registry.find(name).file: folder / registry.find(name).file for name in names}
    real = download.local_path
    monkeypatch.setattr(download, "local_path", lambda entry: here.get(entry.file, real(entry)))


def test_every_known_model_has_a_row_with_all_its_scales():
    entries = [one.entry for row in rows() for one in row.scales]

    assert sorted(entries, key=repr) == sorted(registry.entries(), key=repr)


def test_a_row_knows_paper_and_year_of_its_network():
    bsrn = row("bsrn")

    assert bsrn.year == 2022
    assert bsrn.paper.startswith('Li et al., "Blueprint Separable Residual Network for')
    assert bsrn.paper.endswith("CVPR Workshops 2022, https://arxiv.org/abs/2205.05996")


@pytest.mark.parametrize("network", published(), ids=lambda network: network.name)
def test_years_and_addresses_of_the_table_are_those_of_the_sources(network):
    cited = citation(network.architecture)

    assert network.paper in cited
    # SRCNN and MS-LapSRN were published twice; arXiv's years are not compared
    assert str(network.year) in cited


def test_interpolations_have_no_paper_but_the_one_of_bicubic():
    found = {name: row(name).year for name in ("nearest", "lanczos", "bicubic")}

    assert found == {"nearest": None, "lanczos": None, "bicubic": 1981}
    assert row("lanczos").paper == ""


def test_a_missing_file_is_named_once():
    assert [entry.file for entry in row("mslapsrn").missing] == ["mslapsrn-d5r5.mat"]
    assert len(row("bsrn").missing) == 2
    assert row("fsrcnn").missing == ()


def test_one_scale_is_a_part_of_a_row():
    alone = row("bsrn").at(4)

    assert [one.scale for one in alone.scales] == [4]
    assert [entry.name for entry in alone.missing] == ["bsrn-x4"]
    assert row("bsrn").at(3) is None


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("noisy", {"microscope", "micrograph"}),
        ("MIT x4 photographs light", {"bsrn-s", "rfdn"}),
        ("blueprint SEPARABLE", {"bsrn", "bsrn-s"}),
        ("bsrn nonsense", set()),
    ],
)
def test_a_search_finds_rows_that_contain_all_words(words, names):
    found = {row.model.name for row in searched(rows(), words)}

    assert found == names


@pytest.mark.parametrize(
    ("words", "name", "scales"),
    [
        ("x4 photographs", "fsrcnn", [4]),
        (f"{TIMES}2 photographs", "fsrcnn", [2]),
        (f"2 {TIMES}", "fsrcnn", [2]),
        (f"fsrcnn-{TIMES}3", "fsrcnn", [3]),
        ("fsrcnn-x3", "fsrcnn", [3]),
        ("x8 recursive", "mslapsrn", [8]),  # its title says "up to x8"
        ("recursive", "mslapsrn", [2, 3, 4, 8]),
    ],
)
def test_a_search_for_a_scale_finds_this_scale_only(words, name, scales):
    found = {row.model.name: [one.scale for one in row.scales] for row in searched(rows(), words)}

    assert found[name] == scales


def test_only_downloads_in_the_cache_may_be_removed(monkeypatch, cache, tmp_path):
    pretend(monkeypatch, "bsrn-x2", folder=cache)
    pretend(monkeypatch, "bsrn-x4", folder=tmp_path / "mirror")

    assert row("bsrn").removable == (cache / "bsrn-x2.pth",)
    assert [one.where for one in row("bsrn").scales] == ["cached", "mirror"]
    assert row("fsrcnn").removable == ()


def test_an_imported_file_has_the_facts_of_its_network(imported):
    assert (imported.year, imported.licence) == (2017, "not stated")
    assert "Enhanced Deep Residual Networks" in imported.paper
    assert imported.scales[0].parameters > 100
    assert [str(path) for path in imported.removable] == [imported.model.name]
    assert len(imported.sha256) == 64


def test_an_imported_file_has_the_facts_of_the_card_beside_it(tmp_path):
    record = models.architecture("edsr")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "photo.pth")
    card = {"author": "Ada", "licence": "MIT", "trained_on": "cells", "for": "actin"}
    (tmp_path / "photo.json").write_text(json.dumps(card), encoding="utf-8")
    import_file(tmp_path / "photo.pth")

    (found,) = searched(rows(), "ada actin")

    assert (found.licence, found.trained_on) == ("MIT", "cells")
    assert found.model.purpose == "actin"


def test_the_rows_need_neither_torch_nor_qt():
    code = (
        "import sys; from napari_sr.runs.model_table import rows; rows();"
        "print([m for m in ('torch', 'qtpy', 'requests', 'pooch') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
