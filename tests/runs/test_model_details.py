"""All known facts about a model, as text."""

from __future__ import annotations

import json

import pytest
import torch

from napari_sr import models
from napari_sr.runs import model_speed
from napari_sr.runs.model_details import details
from napari_sr.runs.model_file import import_file
from napari_sr.runs.model_list import IMPORTED
from napari_sr.runs.model_table import rows
from napari_sr.zoo import download, registry, trained


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    return tmp_path / "cache"


def row(name):
    return next(one for one in rows() if one.model.name == name)


def pretend(monkeypatch, *names, folder):
    """Let some models be on this machine."""
    here = {registry.find(name).file: folder / registry.find(name).file for name in names}
    real = download.local_path
    monkeypatch.setattr(download, "local_path", lambda entry: here.get(entry.file, real(entry)))


def imported(tmp_path, card):
    record = models.architecture("edsr")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "photo.pth")
    if card is not None:
        (tmp_path / "photo.pth.json").write_text(json.dumps(card), encoding="utf-8")
    import_file(tmp_path / "photo.pth")
    return next(row for row in rows() if row.model.heading == IMPORTED)


def test_details_have_all_that_is_known(monkeypatch, cache):
    speed = model_speed.Speed(0.42, "cpu", "2", "here")
    monkeypatch.setattr(model_speed, "speeds", lambda: {"bsrn-x4 x4": speed})
    pretend(monkeypatch, "bsrn-x2", folder=cache)
    entry = registry.find("bsrn-x4")

    text = details(row("bsrn"))

    assert "Licence: MIT. Trained on: DF2K." in text
    assert "352,400 parameters, 32.35 dB on Set5, 0.42 s per megapixel (cpu, PyTorch)" in text
    assert f"Address: {entry.url}\nSHA-256: {entry.sha256}" in text
    assert f"1.4 MB, {cache / 'bsrn-x2.pth'}" in text
    assert "1.5 MB, to download" in text


def test_a_card_is_shown_with_what_it_does_not_state(tmp_path):
    card = {"author": "Ada", "license": "MIT", "pixel_size": [0.1, 0.2], "scale": 2}

    found = imported(tmp_path, card)

    assert (
        "Its card: author: Ada; licence: MIT; scale: x2; pixel size: 0.1 to 0.2 \u00b5m. "
        "Not stated: name, for, trained on, noise."
    ) in details(found)
    assert "Licence: MIT. Trained on: not stated." in details(found)


def test_a_file_without_a_card_says_so(tmp_path):
    found = imported(tmp_path, None)

    assert "No card: author, licence and purpose are not stated." in details(found)
    assert f"SHA-256: {found.sha256}" in details(found)


def test_a_model_that_we_know_has_no_card_to_miss():
    assert "card" not in details(row("bsrn"))
