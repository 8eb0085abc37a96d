"""Which of the package's extras are installed, as pyproject.toml defines them.

A test that needs extras has the marker `needs`: `@pytest.mark.needs("zarr")`. Without them, or if
they are too old, conftest.py skips it and says what is missing.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


@cache
def missing(extra: str) -> str:
    """Say which requirement of an extra is not met here; return "" if all are.

    Requirements for other systems and Pythons, and the package itself, are left out.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["optional-dependencies"][extra]:
        wanted = Requirement(line)
        if wanted.name == project["name"] or (wanted.marker and not wanted.marker.evaluate()):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = "none"
        if found == "none" or not wanted.specifier.contains(found, prereleases=True):
            return f"needs {wanted.name}{wanted.specifier} of the extra {extra}, found {found}"
    return ""
