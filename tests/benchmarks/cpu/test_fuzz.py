"""Damaged and lying files are read or refused, and nothing else; the long run is by hand."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks" / "cpu"
FIXED = 100


@pytest.fixture
def fuzz(monkeypatch):
    """Import the benchmark, and forget it afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield __import__("fuzz")
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a file in a folder of its own, which is the user's of networks, too."""
    monkeypatch.setenv("NAPARI_SR_NETWORKS", str(tmp_path))
    return tmp_path / "input.safetensors"


@pytest.mark.filterwarnings("ignore")
def test_a_hundred_mutated_files_are_read_or_refused(fuzz, place):
    faults = []
    for number, kind, content in fuzz.inputs(FIXED, 0, list(fuzz._READERS)):
        place.write_bytes(content)
        outcome = fuzz.judge(kind, place)
        if outcome.verdict not in ("read", "refused"):
            faults.append((number, kind, outcome))

    assert faults == []


@pytest.mark.filterwarnings("ignore")
def test_samples_can_be_read_before_they_are_mutated(fuzz, place):
    for kind, contents in __import__("fuzz_samples").samples().items():
        for content in contents[:4]:
            place.write_bytes(content)

            assert fuzz.judge(kind, place) == fuzz.Outcome("read"), kind


def test_the_same_seed_gives_the_same_files(fuzz):
    first, again, other = (list(fuzz.inputs(20, seed, ["png", "pth"])) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_mutations_are_many_and_bounded(fuzz):
    mutate = __import__("fuzz_mutations").mutated

    found = {mutate(b"seven bytes", "jpeg", random.Random(seed)) for seed in range(200)}

    assert len(found) > 150
    assert max(map(len, found)) < 1 << 18


def test_faults_are_noticed(fuzz, place, monkeypatch):
    def leave(path):
        path.with_name("left").touch()
        return fuzz.Outcome("read")

    def dally(path):
        monkeypatch.setattr(fuzz, "SECONDS", -1.0)
        return fuzz.Outcome("read")

    place.touch()
    readers = {"png": lambda path: [][1], "toml": leave, "mat": dally}
    monkeypatch.setattr(fuzz, "_READERS", readers)

    assert fuzz.judge("png", place).message.startswith("IndexError at test_fuzz.py")
    assert fuzz.judge("toml", place).verdict == "file left"
    assert fuzz.judge("mat", place).verdict == "slow"


def test_the_table_counts_by_kind(fuzz):
    tally = fuzz.Tally()
    tally.verdicts.update(["read", "refused", "refused", "crash"])
    tally.faults.append("3 (png): crash, exit code -11")

    text = fuzz.table({"png": tally})

    assert "| png | 4 | 2 | 1 | 1 |" in text
    assert "* 3 (png): crash" in text
