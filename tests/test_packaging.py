from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

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


def test_a_wheel_has_the_version_that_the_package_says(tmp_path):
    build("wheel", tmp_path)

    assert [path.name.split("-")[1] for path in tmp_path.iterdir()] == [napari_sr.__version__]


def test_the_changelog_has_a_section_for_this_version():
    assert f"\n## {napari_sr.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_on_every_python_that_the_package_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())

    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"


def test_the_lowest_versions_that_are_tested_are_those_that_the_package_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / ".github" / "oldest.txt").read_text().splitlines()

    pinned = {one.name: one for one in map(Requirement, lines[1:])}
    assert list(pinned) == [Requirement(line).name for line in project["dependencies"]]
    for wanted in map(Requirement, project["dependencies"]):
        (lowest,) = wanted.specifier
        (tested,) = pinned[wanted.name].specifier
        assert (lowest.operator, tested.operator) == (">=", "==")
        assert Version(lowest.version) == Version(tested.version), wanted.name


@pytest.mark.parametrize("binding", ["PyQt", "PySide"])
def test_no_qt_binding_is_forced_on_users(binding):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert not [name for name in project["dependencies"] if binding in name]
