"""Two text files that accompany a folder of models: their licences, and their checksums.

The checksums have the format of GNU coreutils, so `sha256sum --check SHA256SUMS` verifies the
folder on a machine without napari-sr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_sr.zoo.registry import Entry

LICENCES, CHECKSUMS = "LICENCES.md", "SHA256SUMS"
"""Names of the two files."""
_HEAD = """\
# Models in this folder

To use them, set the environment variable `NAPARI_SR_WEIGHTS` to this folder. To verify them:
`napari-sr prefetch --verify --to FOLDER`, or `sha256sum --check SHA256SUMS` in this folder.

The licences are those that the authors state at the addresses below. If none is stated, all rights
are reserved: ask the authors before you pass the file on.
"""


def write_notice(folder: Path, entries: Iterable[Entry]) -> None:
    """Write licences and checksums of the models whose files are in a folder.

    Parameters
    ----------
    folder : Path
        The folder with the models' files.
    entries : iterable of Entry
        The models, under the names that their files have in the registry.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    found = sorted(entries, key=lambda entry: entry.name)
    # several models may share a file
    sums = "".join(sorted({f"{entry.sha256}  {entry.file}\n" for entry in found}))
    for name, text in (
        (LICENCES, "\n".join([_HEAD, *map(_section, found)])),
        (CHECKSUMS, sums),
    ):
        with atomic_write(folder / name) as file:
            file.write(text.encode())


def _section(entry: Entry) -> str:
    return (
        f"## {entry.title} (`{entry.name}`)\n\n"
        f"* file: `{entry.file}`, {entry.size:,} bytes\n"
        f"* licence: {entry.licence}\n"
        f"* trained on: {entry.trained_on}\n"
        f"* from: {entry.url}\n"
        f"* SHA-256: `{entry.sha256}`\n"
    )


def listed(folder: Path) -> set[str]:
    """Return the names of the files that a folder's checksums list.

    Raises
    ------
    OSError
        If the folder has no readable SHA256SUMS.
    """
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    return {line.partition("  ")[2] for line in lines}
