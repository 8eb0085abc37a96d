"""Check what is in the wheel and in the source distribution: `check_artefacts.py FOLDER`.

The wheel must contain the package, the manifest, `py.typed`, the weights with the hashes of the
registry, and the licence, and nothing else; its README must work outside the repository.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = {".json", ".py", ".safetensors", ".svg", ".toml", ".typed", ".yaml"}
"""Suffixes of the files in the packages of a wheel."""
NEEDED = {
    "napari_sr/__init__.py", "napari_sr/napari.yaml", "napari_sr/py.typed", "napari_sr/icon.svg",
    "napari_sr/zoo/registry.json", "napari_sr/training/recipes/fsrcnn-x2.toml",
    "sr_kernels/__init__.py", "sr_kernels/configurations.json",
}  # fmt: skip
SOURCES = {
    "LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "SECURITY.md", "pyproject.toml",
    "hatch_build.py", "napari.yaml", "tests/conftest.py", "docs/README.md",
}  # fmt: skip
METADATA = {"2.3", "2.4"}
"""Versions of the metadata that today's installers and publishing programs read."""
LARGEST = 10_000_000
"""Largest size of a distribution in bytes; PyPI's limit is ten times as high."""


def main(folder: Path) -> int:
    """Print the faults of the two distributions in a folder; return how many there are."""
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    faults = [*of_wheel(wheel), *of_source(source)]
    sys.stdout.writelines(f"{fault}\n" for fault in faults or [f"{folder}: both are complete"])
    return len(faults)


def of_wheel(path: Path) -> Iterator[str]:
    """Yield the faults of a wheel."""
    yield from _size(path)
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        yield from (f"{path.name} lacks {name}" for name in sorted(NEEDED - set(names)))
        yield from (f"{path.name} contains {name} twice" for name in _twice(names))
        for name in names:
            root, suffix = name.partition("/")[0], Path(name).suffix
            parts = {"test", "tests"} & set(name.lower().split("/"))
            if root not in ("napari_sr", "sr_kernels", info) or parts:
                yield f"{path.name} contains {name}, which is not of the package"
            elif root != info and suffix not in SUFFIXES:
                yield f"{path.name} contains {name}, of the unexpected kind {suffix!r}"
        if f"{info}/licenses/LICENSE" not in names:
            yield f"{path.name} lacks the licence"
        yield from _weights(wheel)
        yield from _metadata(wheel.read(f"{info}/METADATA"))


def _weights(wheel: zipfile.ZipFile) -> Iterator[str]:
    """Yield the faults of the weights that ship."""
    folder = "napari_sr/zoo/weights/"
    registry = json.loads(wheel.read("napari_sr/zoo/registry.json"))
    shipped = [one for one in registry if one["url"] is None and one["parameters"]]
    for entry in shipped:
        try:
            found = hashlib.sha256(wheel.read(folder + entry["file"])).hexdigest()
        except KeyError:
            yield f"the wheel lacks the weights of {entry['name']}"
            continue
        if found != entry["sha256"]:
            yield f"{entry['file']} has the sha256 {found}, the registry says {entry['sha256']}"
    if not shipped:
        yield "the registry names no weights that ship"


def _metadata(content: bytes) -> Iterator[str]:
    """Yield the faults of a wheel's metadata."""
    data = BytesParser().parsebytes(content)
    for key in ("Summary", "License-Expression", "Requires-Python", "Project-URL", "Classifier"):
        if not data.get_all(key):
            yield f"the metadata lack {key}"
    if (version := data["Metadata-Version"]) not in METADATA:
        yield f"the metadata have version {version}, but should have one of {sorted(METADATA)}"
    if "Framework :: napari" not in data.get_all("Classifier", []):
        yield "without the classifier 'Framework :: napari', no list of plugins shows the package"
    readme = str(data.get_payload())
    for target in re.findall(r"\]\(([^)\s]+)\)", readme):
        if not target.startswith(("https://", "#")):
            yield f"the README links to {target}, which is no address"


def of_source(path: Path) -> Iterator[str]:
    """Yield the faults of a source distribution."""
    yield from _size(path)
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    yield from (f"{path.name} lacks {name}" for name in sorted(SOURCES - names))
    for name in sorted(names):
        if re.search(r"(^|/)(\.venv|__pycache__|dist|site)(/|$)|\.(pyc|pth|onnx)$", name):
            yield f"{path.name} contains {name}"
    if "src/napari_sr/napari.yaml" in names:
        yield f"{path.name} contains the link to the manifest"


def _size(path: Path) -> Iterator[str]:
    size = path.stat().st_size
    if size > LARGEST:
        yield f"{path.name} has {size:,} bytes, at most {LARGEST:,} are wanted"


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) > 0)
