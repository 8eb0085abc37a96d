"""What trains is imported beside a window whose canvas has loaded OpenGL."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

BESIDE_OPENGL = """
import numpy, napari
from napari_sr.training.first_import import import_trainer
viewer = napari.Viewer(show_welcome_screen=False)
viewer.add_image(numpy.zeros((8, 8)))
viewer.screenshot(flash=False)  # loads OpenGL's LLVM, where it has one
import_trainer()
import sys
print("triton" in sys.modules)
viewer.close()
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.usefixtures("qapp")  # starts the virtual display that the other process uses
def test_triton_lives_beside_opengl():
    environment = {**os.environ, "NAPARI_CONFIG": ""}
    environment.pop("TRITON_INTERPRET", None)  # users do not set it

    ended = subprocess.run(
        [sys.executable, "-c", BESIDE_OPENGL],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )

    assert (ended.returncode, ended.stdout.strip()) == (0, "True"), ended.stderr
