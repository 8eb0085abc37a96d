"""Check the optional packages that OME-Zarr files need."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NEEDED = {"zarr": (3, 1, 6), "yaozarrs": (0, 3, 4)}
"""Oldest version of each package, as in pyproject.toml."""


def check_packages(*names: str) -> None:
    """Check that packages are installed and new enough.

    Raises
    ------
    FileError
        If one is missing or too old; the message names the extra to install.
    """
    for name in names:
        oldest = ".".join(map(str, NEEDED[name]))
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "none"
        numbers = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
        if numbers < NEEDED[name]:
            from napari_sr.files.image import FileError  # takes 8 ms, while the form opens

            raise FileError(
                f"OME-Zarr files need the package {name} {oldest} or newer, found {found}: "
                "pip install 'napari-sr[zarr]'"
            )
