from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from napari_sr import demo


def test_x_or_wayland_is_a_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not demo.has_display()

    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")

    assert demo.has_display()


def test_without_a_display_it_goes_on_in_a_virtual_one(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(demo, "has_display", lambda: False)
    monkeypatch.setattr(demo.shutil, "which", lambda name: "/usr/bin/xvfb-run")
    monkeypatch.setattr(
        demo.subprocess,
        "run",
        lambda command, check: started.append(command) or subprocess.CompletedProcess(command, 3),
    )

    code = demo.main(tmp_path)

    assert code == 3
    assert started[0][0] == "/usr/bin/xvfb-run"
    assert started[0][-4:] == ["-m", "napari_sr.demo", "--screenshot", str(tmp_path)]


def test_without_a_virtual_display_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(demo, "has_display", lambda: False)
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)

    code = demo.main()

    assert code == 2
    assert "apt-get install xvfb" in capsys.readouterr().out


@pytest.mark.usefixtures("qapp")  # starts the virtual display that the other process uses
def test_it_upscales_a_sample_and_writes_what_it_shows(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "napari_sr.demo", "--screenshot", os.fspath(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    # vispy says this where neither xdpyinfo nor xrandr is installed
    assert ended.stderr.replace("WARNING: could not determine DPI\n", "") == ""
    window, result = (
        np.asarray(Image.open(tmp_path / name)) for name in ("window.png", "upscaled.png")
    )
    assert f"wrote {tmp_path / 'window.png'}" in ended.stdout
    assert window.shape[1] >= 1200
    assert result.shape == (800, 800, 3)
    assert result.std() > 20
