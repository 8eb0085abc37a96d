from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr import packages

ROOT = Path(__file__).parents[3]


@pytest.mark.needs("zarr")
def test_what_is_installed_here_is_enough():
    packages.check_packages("zarr", "yaozarrs")


@pytest.mark.parametrize("found", ["2.18.7", "3.1.5", "3.0", "3.1.5.dev2"])
def test_an_old_package_is_named_with_the_extra(monkeypatch, found):
    monkeypatch.setattr(packages, "version", lambda name: found)

    with pytest.raises(FileError, match=rf"zarr 3\.1\.6 or newer, found {found}: pip in"):
        packages.check_packages("zarr")


@pytest.mark.parametrize("found", ["3.1.6", "3.2", "4.0.0rc1"])
def test_a_newer_package_is_enough(monkeypatch, found):
    monkeypatch.setattr(packages, "version", lambda name: found)

    packages.check_packages("zarr")


def test_a_missing_package_is_named_with_the_extra(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(packages, "version", missing)

    with pytest.raises(FileError, match=r"yaozarrs 0\.3\.4 or newer, found none: pip install"):
        packages.check_packages("yaozarrs")


def test_the_versions_are_those_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    for line in project["optional-dependencies"]["zarr"]:
        name, _, bound = line.partition(">=")
        assert tuple(map(int, bound.split(",")[0].split("."))) == packages.NEEDED[name]
