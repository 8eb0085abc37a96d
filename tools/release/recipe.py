"""Write the conda-forge recipe of a release: `recipe.py SDIST OUT`.

Version and hash come from the source distribution. Before it is written, rattler-build parses and
renders the recipe, if py-rattler-build is installed; conda-forge's own linter, conda-smithy, is not
on PyPI and runs when the recipe is submitted.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "recipe" / "recipe.yaml"
CONDA = {"napari": "napari-base", "torch": "pytorch"}
"""Packages that have other names on conda-forge."""
PYTHON_MIN = "3.11"
"""The oldest Python of the package; conda-forge's default may be older or newer."""


def requirements() -> list[str]:
    """Return the package's requirements as conda writes them, such as "numpy >=1.25"."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = map(Requirement, project["dependencies"])
    return [f"{CONDA.get(one.name, one.name)} {one.specifier}" for one in wanted]


def stated(recipe: str) -> list[str]:
    """Return the requirements that a recipe states, without Python."""
    _, _, run = recipe.partition("\n  run:\n")
    run = run.partition("\n\n")[0]
    lines = [line.strip().removeprefix("- ").partition("  #")[0] for line in run.splitlines()]
    return [line for line in lines if not line.startswith("python ")]


def filled(version: str, sha256: str) -> str:
    """Return the recipe of a release."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("VERSION", version, 1).replace("SHA256", sha256, 1)


def render(text: str) -> None:
    """Let rattler-build parse and render a recipe; it raises errors that name the line."""
    from rattler_build import Stage0Recipe, VariantConfig

    variants = VariantConfig({"python_min": [PYTHON_MIN]})
    (rendered,) = Stage0Recipe.from_yaml(text).render(variants)
    sys.stdout.write(f"rattler-build renders {rendered.recipe.package.name}\n")


def main(sdist: Path, out: Path) -> int:
    """Write the recipe of a release, and return the exit code."""
    version = sdist.name.removesuffix(".tar.gz").rpartition("-")[2]
    text = filled(version, hashlib.sha256(sdist.read_bytes()).hexdigest())
    if (needed := requirements()) != (found := stated(text)):
        sys.stderr.write(f"recipe and pyproject.toml differ: {sorted({*needed} ^ {*found})}\n")
        return 1
    if find_spec("rattler_build") is not None:
        render(text)
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.yaml").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
