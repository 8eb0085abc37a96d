"""The options of `napari-sr evaluate` and `napari-sr train` reach what does the work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from napari_sr.cli import app, evaluate, train


@pytest.fixture
def call(monkeypatch, capfd):
    """Run a command in this process; return what it printed."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["napari-sr", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        assert ended.value.code == 0
        return capfd.readouterr().out

    return call


def test_the_options_of_evaluate_are_read(call, monkeypatch):
    asked = []
    monkeypatch.setattr(evaluate, "run", lambda request: asked.append(request) or "a table")

    told = call("evaluate", "~/set", "--model", "bsrn", "--scale", "4", "--rgb", "--metric", "PSNR")

    assert told == "a table\n"
    assert asked[0].folder == Path.home() / "set"
    assert [model.scale for model in asked[0].models] == [4]
    assert (asked[0].protocol.luma, asked[0].protocol.metrics) == (False, ("psnr",))


def test_the_options_of_train_are_read(call, monkeypatch):
    asked = []
    monkeypatch.setattr(train, "run", lambda request: asked.append(request) or "done")
    monkeypatch.setattr(train, "speaks", lambda: True)

    told = call("train", "fsrcnn-x2", "--data", "~/data", "--minutes", "5", "--resume")

    assert told == "done\n"
    request = train.Request("fsrcnn-x2", Path.home() / "data", Path("runs/fsrcnn-x2"), "auto",
                            True, 5, None)  # fmt: skip
    assert asked == [request]
