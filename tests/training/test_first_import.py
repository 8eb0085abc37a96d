"""Training code is imported in a process that has loaded OpenGL, as napari's canvas does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

BESIDE_OPENGL = """
from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from napari_sr.training.first_import import import_trainer
app, surface, context = QGuiApplication([]), QOffscreenSurface(), QOpenGLContext()
surface.create()
assert context.create() and context.makeCurrent(surface)  # loads OpenGL's LLVM, where it has one
import_trainer()
import sys
print("triton" in sys.modules)
context.doneCurrent()
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.usefixtures("qapp")  # starts the virtual display that the other process uses
def test_triton_lives_beside_opengl():
    environment = {**os.environ}
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
