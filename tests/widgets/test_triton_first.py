from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

BESIDE_OPENGL = """
import numpy, napari
from napari_sr.widgets._triton_first import load_triton_first
viewer = napari.Viewer(show_welcome_screen=False)
viewer.add_image(numpy.zeros((8, 8)))
viewer.screenshot(flash=False)  # loads OpenGL's LLVM, where it has one
load_triton_first()
import torch.utils.flop_counter
import sys
print("triton" in sys.modules)
viewer.close()
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.usefixtures("qapp")  # starts the virtual display that the other process uses
def test_triton_lives_beside_opengl():
    environment = {**os.environ, "NAPARI_CONFIG": ""}

    ended = subprocess.run(
        [sys.executable, "-c", BESIDE_OPENGL],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )

    assert (ended.returncode, ended.stdout.strip()) == (0, "True"), ended.stderr


def test_the_loaders_flags_are_left_as_they_were():
    code = (
        "import sys; before = sys.getdlopenflags();"
        "from napari_sr.widgets._triton_first import load_triton_first as load; load(); load();"
        "print(sys.getdlopenflags() == before)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "True"
