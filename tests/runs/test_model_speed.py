"""Speeds are measured when asked for, and kept for this machine and version of PyTorch only."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from fakes import Nearest

from napari_sr.engine.planning import estimate
from napari_sr.runs import cache, model_speed
from napari_sr.runs.model import ModelReference
from napari_sr.runs.model_speed import key, measure, short_seconds, speeds


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "load_first", lambda reference: Nearest(scale=2))
    monkeypatch.setattr(estimate, "measure_speed", lambda network, settings: 5e6)
    return tmp_path / "cache"


FSRCNN = ModelReference("fsrcnn-x2", 2)


def test_nothing_is_known_at_first():
    assert speeds() == {}


def test_a_measured_speed_is_kept_beside_others():
    measured = measure(FSRCNN)
    measure(ModelReference("bsrn-x4", 4))

    assert (measured.seconds, measured.device) == (0.2, "cpu")
    assert set(speeds()) == {"fsrcnn-x2 x2", "bsrn-x4 x4"}
    assert speeds()["fsrcnn-x2 x2"] == measured
    assert measured.sentence == "0.20 s per megapixel (cpu, PyTorch)"


@pytest.mark.parametrize("changes", [{"machine": "another"}, {"torch": "1.0"}])
def test_speeds_of_another_machine_or_version_are_not_used(folder, changes):
    old = dataclasses.asdict(measure(FSRCNN))
    (folder / model_speed.NAME).write_text(json.dumps({key(FSRCNN): {**old, **changes}}))

    assert speeds() == {}


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"a": 3}', '{"a": {"seconds": "x"}}', "x" * (2 << 20)]
)
def test_a_broken_file_is_like_none(folder, text):
    folder.mkdir()
    (folder / model_speed.NAME).write_text(text)

    assert speeds() == {}
    measure(FSRCNN)
    assert len(speeds()) == 1


def test_a_file_that_changes_has_another_key(tmp_path):
    path = tmp_path / "a.pth"
    reference = ModelReference(path, 2)
    missing = key(reference)
    path.write_bytes(b"1")
    os.utime(path, ns=(1, 1))
    first = key(reference)
    os.utime(path, ns=(2, 2))

    assert len({missing, first, key(reference)}) == 3


def test_a_folder_that_cannot_be_written_is_told(monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", os.devnull)

    with pytest.raises(OSError, match=os.devnull):
        measure(FSRCNN)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0123, "0.012"), (0.42, "0.42"), (3.14, "3.1"), (271.8, "272")]
)
def test_seconds_have_two_digits(seconds, words):
    assert short_seconds(seconds) == words
