"""The command `napari-sr prefetch`: get models for work without a connection, or verify them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError
from napari_sr.runs.model_notice import CHECKSUMS, LICENCES, listed
from napari_sr.runs.prefetch import downloadable, prefetch_steps
from napari_sr.runs.run import drive
from napari_sr.runs.verify import verify
from napari_sr.zoo import download, registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_sr.zoo.registry import Entry


def chosen(names: Sequence[str], *, everything: bool) -> list[Entry]:
    """Return the models that a command line names; a family's name means all its scales.

    Parameters
    ----------
    names : sequence of str
        Names such as "bsrn-x4" or "bsrn".
    everything : bool
        Whether all models that can be downloaded are meant.

    Raises
    ------
    CommandError
        If both or neither are given.
    ValueError
        If no model has such a name.
    """
    if everything == bool(names):
        raise CommandError(
            f"give names of models or --all, got {'both' if names else 'neither'}; "
            "`napari-sr models` lists the names"
        )
    if everything:
        return downloadable()
    found: dict[str, Entry] = {}
    for name in names:
        members = [entry for entry in registry.entries() if entry.family == name]
        found |= {entry.name: entry for entry in members or [registry.find(name)]}
    return list(found.values())


def present(folder: Path | None) -> list[Entry]:
    """Return the models that a folder lists or, without a folder, those of this machine.

    Interpolations, which have no file of weights, are left out.

    Raises
    ------
    CommandError
        If the folder has no list.
    """
    if folder is None:
        cached = download.cache_folder()
        return [
            entry
            for entry in registry.entries()
            if not entry.computed
            and ((cached / entry.file).exists() or download.local_path(entry) is not None)
        ]
    try:
        files = listed(folder)
    except OSError as error:
        raise CommandError(
            f"{folder} has no {CHECKSUMS} that lists its models: name the models, or pass --all"
        ) from error
    return [entry for entry in downloadable() if entry.file in files]


def fetch(entries: Sequence[Entry], folder: Path | None) -> int:
    """Download models, say where they are, and return the exit code.

    Raises
    ------
    OSError
        If the folder cannot be created or written.
    """
    with terminal.bars() as bars:
        bar = bars.add_task("", total=None)
        result = drive(
            prefetch_steps([entry.name for entry in entries], folder),
            lambda step: bars.update(
                bar, completed=step.done, total=step.total, description=step.doing
            ),
        )
    for name, path in result.files.items():
        typer.echo(f"{name}: {path}")
    for name, why in result.failures.items():
        typer.echo(f"{name}: {why}", err=True)
    if folder is not None and result.files:
        typer.echo(
            f"{LICENCES} in {folder} lists the licences. On the other machine, set "
            "NAPARI_SR_WEIGHTS to this folder."
        )
    return terminal.FAILED if result.failures else 0


def check(entries: Sequence[Entry], folder: Path | None) -> int:
    """Verify the files of models, name the faulty ones, and return the exit code.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    result = verify(entries, folder)
    for name in result.damaged:
        typer.echo(f"{name}: damaged, its size or SHA-256 is wrong", err=True)
    for name in result.missing:
        typer.echo(f"{name}: missing", err=True)
    typer.echo(f"{len(result.good)} of {len(entries)} models have the right SHA-256.")
    return 0 if len(result.good) == len(entries) else terminal.FAILED
