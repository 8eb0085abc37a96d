from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import napari_sr

ROOT = Path(__file__).parents[1]


def build(kind, folder):
    """Build the package from the checkout; return the names of the files in it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    if kind == "wheel":
        return zipfile.ZipFile(built).namelist()
    return tarfile.open(built).getnames()


def test_a_wheel_has_the_manifest_the_weights_and_both_packages(tmp_path):
    names = build("wheel", tmp_path)

    assert names.count("napari_sr/napari.yaml") == 1
    assert {"napari_sr/zoo/registry.json", "napari_sr/zoo/weights/fsrcnn-x2.safetensors"} <= set(
        names
    )
    assert "napari_sr/training/recipes/fsrcnn-x3.toml" in names
    assert {"napari_sr/api.py", "sr_kernels/__init__.py", "napari_sr/py.typed"} <= set(names)


def test_a_source_distribution_has_what_a_wheel_is_built_from(tmp_path):
    names = {name.partition("/")[2] for name in build("sdist", tmp_path)}

    assert {"napari.yaml", "hatch_build.py", "pyproject.toml", "LICENSE"} <= names
    assert "src/napari_sr/napari.yaml" not in names, "the editable install's link was packed"


def test_the_version_is_said_once_and_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == napari_sr.__version__


@pytest.mark.parametrize("binding", ["PyQt", "PySide"])
def test_no_qt_binding_is_forced_on_users(binding):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert not [name for name in project["dependencies"] if binding in name]
