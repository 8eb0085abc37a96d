"""What tests of benchmarks need: a benchmark as a module, or run as a command."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sr_kernels._triton import INTERPRETED

FOLDER = Path(__file__).parents[2] / "benchmarks"
ABSENT = ("napari", "qtpy", "PyQt6", "PySide6", "pooch", "psutil", "PIL", "skimage", "tifffile")
"""What the machine with a GPU lacks."""
QUICK = ""
if INTERPRETED and find_spec("triton._utils"):  # older versions have another interpreter
    QUICK = f"""
sys.path.append({str(FOLDER.parent / "tests")!r})
import quick_interpreter
quick_interpreter.install()
"""
WITHOUT = f"""
import os, runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))  # as for any script
{QUICK}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def run_dry():
    """Return a function that runs a benchmark where little is installed, and returns its output."""

    def run(script, *arguments):
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", WITHOUT, str(FOLDER / script), *map(str, arguments)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture(scope="module")
def benchmark():
    """Return a function that imports a benchmark, such as "gpu/tune"; forget it afterwards."""
    modules, paths = set(sys.modules), list(sys.path)

    def load(path):
        sys.path.insert(0, str((FOLDER / path).parent))  # it imports its neighbours
        return __import__(Path(path).name)

    yield load
    sys.path[:] = paths
    for name in set(sys.modules) - modules:
        if FOLDER in Path(getattr(sys.modules[name], "__file__", None) or "").parents:
            del sys.modules[name]
