from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from napari_sr.cli.commands import app
from napari_sr.cli.options import at_home, number, time_span


def test_only_a_leading_tilde_that_stands_for_a_home_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert at_home(Path("~/in.png")) == tmp_path / "in.png"
    assert at_home("fsrcnn-x2") == "fsrcnn-x2"
    assert at_home("~nobody of this name/a.pth") == "~nobody of this name/a.pth"
    assert at_home(None) is None


def test_numbers_take_a_comma_but_never_guess_thousands():
    assert number("2,5") == 2.5
    assert time_span(0.5) == 0.5
    with pytest.raises(typer.BadParameter, match=r"'65,535' may mean 65535 or 65[.]535"):
        number("65,535")
    with pytest.raises(typer.BadParameter, match="at least 0 is needed, got '-1'"):
        time_span("-1")


def test_both_numbers_of_a_range_are_read_so():
    files = "in.png", "out.png"
    printed = CliRunner().invoke(app, ["upscale", *files, "--value-range", "0", "1,000"])

    assert printed.exit_code == 2
    assert "may mean 1000 or 1.000" in " ".join(printed.output.split())
