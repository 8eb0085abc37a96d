from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

BESIDE_OPENGL = """
import numpy, napari
from napari_sr.widgets._first_import import import_trainer
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

    ended = subprocess.run(
        [sys.executable, "-c", BESIDE_OPENGL],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )

    assert (ended.returncode, ended.stdout.strip()) == (0, "True"), ended.stderr


def test_many_threads_may_import_at_once_and_the_loaders_flags_stay():
    code = (
        "import sys; before = sys.getdlopenflags();"
        "from concurrent.futures import ThreadPoolExecutor as Pool;"
        "from napari_sr.widgets._first_import import import_engine;"
        "pool = Pool(4); waiting = [pool.submit(import_engine) for _ in range(4)];"
        "print([done.result() for done in waiting], sys.getdlopenflags() == before)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[None, None, None, None] True"


WATCHED = """
import gc, sys, threading
from napari_sr.widgets._first_import import import_engine
before, full = gc.get_threshold(), []
gc.callbacks.append(lambda phase, told: full.append(1) if told["generation"] == 2 else None)
thread = threading.Thread(target=import_engine)
thread.start()
thread.join()
print(len(full), gc.get_threshold() == before, "torch" in sys.modules)
"""


def test_the_first_import_collects_no_garbage_in_full_and_restores_the_collector():
    printed = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "0 True True"
