"""The options of `napari-sr run` and `napari-sr show` reach what does the work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from records import record_of

from napari_sr.cli import app, run
from napari_sr.cli.run import Again
from napari_sr.runs.record import as_toml


@pytest.fixture
def call(monkeypatch, capfd):
    """Run a command in this process; return its exit code and what it printed."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["napari-sr", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, capfd.readouterr()

    return call


def test_the_options_of_run_are_read(call, monkeypatch):
    asked = []
    monkeypatch.setattr(run, "run", asked.append)

    call("run", "a.toml")
    call("run", "~/a.toml", "--input", "~/b.tif", "--output", "~/c.tif", "--overwrite")

    home = Path.home()
    expected = Again(home / "a.toml", home / "b.tif", home / "c.tif", True)
    assert asked == [Again(Path("a.toml")), expected]


def test_a_record_is_shown(call, tmp_path):
    (tmp_path / "a.toml").write_text(as_toml(record_of()), encoding="utf-8")

    code, told = call("show", tmp_path / "a.toml", "--command")

    assert code == 0
    assert told.out.startswith("napari-sr upscale IN.tif")


def test_a_missing_record_is_one_line(call, tmp_path):
    code, told = call("show", tmp_path / "a.tif")

    assert code == 2
    assert told.err == f"Error: there is no file {tmp_path / 'a.tif'}\n"
