"""Print the licences of the packages that napari-sr installs, as a table: `licences.py [EXTRA...]`.

Run it in an environment in which the package is installed. It exits with 1 if a package states no
licence. Licences are those that the packages' metadata state.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

ROOT = "napari-sr"
LONGEST = 60
"""Number of characters of a free-text licence that are printed."""
UNSTATED = "not stated"
EMPTY = "none needed: it only asks for other packages"


def required(name: str, extras: Iterable[str], seen: dict[str, Distribution]) -> None:
    """Add the installed packages that a package requires, directly or not, to `seen`."""
    for line in distribution(name).requires or ():
        wanted = Requirement(line)
        marker = wanted.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if key in seen:
            continue
        try:
            seen[key] = distribution(key)
        except PackageNotFoundError:  # an extra that is not installed
            continue
        required(key, wanted.extras, seen)


def licence_of(package: Distribution) -> str:
    """Return the licence that a package's metadata state."""
    data = package.metadata
    expression = data.get("License-Expression")
    if expression:
        return str(expression)
    stated = [one for one in data.get_all("Classifier", ()) if one.startswith("License ::")]
    classifiers = [one.rpartition(" :: ")[2] for one in stated if not one.endswith("Approved")]
    if classifiers:
        return ", ".join(classifiers)
    first = next(iter((data.get("License") or "").strip().splitlines()), "")
    return first[:LONGEST] or (EMPTY if is_empty(package) else UNSTATED)


def is_empty(package: Distribution) -> bool:
    """Return whether a package installs only its metadata, like NVIDIA's `cuda-toolkit`."""
    files = package.files or ()
    return bool(files) and all(file.parts[0].endswith(".dist-info") for file in files)


def rows(extras: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and licence of each package that is installed with napari-sr."""
    seen: dict[str, Distribution] = {}
    required(ROOT, extras, seen)
    for _, package in sorted(seen.items()):
        yield str(package.metadata["Name"]), package.version, licence_of(package)


def main(extras: Iterable[str]) -> int:
    """Print the table; return whether a licence is missing."""
    found = list(rows(extras))
    sys.stdout.write("| package | version | licence |\n|---|---|---|\n")
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in found)
    unstated = [name for name, _, licence in found if licence == UNSTATED]
    if unstated:
        sys.stderr.write(f"no licence is stated by {', '.join(unstated)}\n")
    return int(bool(unstated))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
