from __future__ import annotations

from pathlib import Path

from napari_sr.cli.options import at_home


def test_only_a_leading_tilde_that_stands_for_a_home_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert at_home(Path("~/in.png")) == tmp_path / "in.png"
    assert at_home("fsrcnn-x2") == "fsrcnn-x2"
    assert at_home("~nobody of this name/a.pth") == "~nobody of this name/a.pth"
    assert at_home(None) is None
