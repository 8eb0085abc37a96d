"""Packages that are opened for the first time, in a process of its own."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import psutil
import pytest
import torch
from bioimage_packages import Enlarger, description, files, weights, write
from torch import nn

from napari_sr.zoo.bioimage import load, trial
from napari_sr.zoo.bioimage.load import open_package
from napari_sr.zoo.cancelling import CancelledError, cancelled_if
from napari_sr.zoo.checkpoint import CheckpointError

RAW = np.random.default_rng(0).random((1, 1, 24, 24)).astype(np.float32)


ENDLESS = "while True: pass"
HOARDER = "kept = []\nwhile True: kept.append(bytes(range(256)) * (1 << 16))"
OTHER = """import json
print(json.dumps({"weights": "a", "package": "b", "reach": 1, "stored": False, "told": ""}))"""
REFUSED = """print('hello')
print('{"refused": "has a damaged ONNX file"}')"""


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """Try packages in processes, and keep what was found in a folder of the test."""
    monkeypatch.setattr(trial, "ENABLED", True)
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(load, "_CHECKED", {})
    monkeypatch.setattr(load, "_REACHES", {})
    before = {one.pid for one in psutil.Process().children()}
    yield tmp_path
    assert {one.pid for one in psutil.Process().children()} <= before


class Talkative(nn.Module):
    """Prints more than a pipe holds."""

    def forward(self, image):
        for _ in range(20_000):
            print("hello")  # noqa: T201
        return nn.functional.interpolate(image, scale_factor=2.0)


def good(path):
    large = Enlarger().eval()(torch.from_numpy(RAW)).detach().numpy()
    return write(path, files(description("torchscript"), weights("torchscript"), RAW, large))


def test_what_is_found_is_used_and_remembered(tried, monkeypatch):
    path = good(tried / "good.zip")
    found = open_package(path)

    assert "gives its author's result" in found.remarks[-1]
    (kept,) = json.loads((tried / "cache" / trial.NAME).read_text()).values()
    assert kept["told"] == found.remarks[-1]
    assert kept["reach"] == found.network.halo
    monkeypatch.setattr(trial, "COMMAND", ("no such program",))
    load._CHECKED.clear()
    assert open_package(path).remarks == found.remarks  # in another session


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (ENDLESS, r"package .*good\.zip was still computing its test image after 2 s, so it was"),
        (HOARDER, "took more than 256.0 MiB of memory while its test image was computed"),
        (REFUSED, r"package .*good\.zip has a damaged ONNX file"),
        ("import os; os.abort()", "ended the process in which it was tried .exit status"),
        ("print('{}')", "wrote something else into the answer"),
        (OTHER, "was changed while it was opened"),
    ],
    ids=["endless", "hoarder", "refused", "crash", "nonsense", "other"],
)
def test_what_goes_wrong_in_the_process_is_one_error(tried, monkeypatch, program, why):
    monkeypatch.setattr(trial, "COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(trial, "MOST_SECONDS", 2 if program == ENDLESS else 60)
    monkeypatch.setattr(trial, "LEAST_MEMORY", 256 << 20)
    monkeypatch.setattr(trial, "SHARE", 0)

    with pytest.raises(CheckpointError, match=why):
        open_package(good(tried / "good.zip"))
    assert not (tried / "cache").exists()


def test_a_trial_that_is_cancelled_ends_its_process(tried, monkeypatch):
    monkeypatch.setattr(trial, "COMMAND", (sys.executable, "-c", ENDLESS))
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) > 2

    with cancelled_if(cancelled), pytest.raises(CancelledError):
        open_package(good(tried / "a.zip"))


def test_a_program_may_print_more_than_a_pipe_holds(tried, monkeypatch):
    monkeypatch.setattr(trial, "MOST_SECONDS", 60)
    content, large = io.BytesIO(), RAW.repeat(2, 2).repeat(2, 3)
    torch.jit.save(torch.jit.script(Talkative().eval()), content)
    parts = files(description("torchscript"), content.getvalue(), RAW, large)

    found = open_package(write(tried / "talkative.zip", parts))
    assert "gives its author's result" in found.remarks[-1]
