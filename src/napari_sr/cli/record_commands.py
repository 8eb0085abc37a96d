"""The commands `napari-sr run` and `napari-sr show`, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_sr.cli.options import Overwrite, at_home

Record = Annotated[
    Path,
    typer.Argument(
        metavar="RECORD", callback=at_home, help="A record as a TOML file, or the file of a result."
    ),
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="IN",
        callback=at_home,
        help="The image to upscale. [default: the recorded one]",
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="OUT",
        callback=at_home,
        help="Its suffix sets the format. [default: RECORD.ome.tif, if RECORD is TOML]",
    ),
]
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", callback=at_home, help="The file of a result, or TOML."),
]
AsPython = Annotated[bool, typer.Option("--python", help="As Python code.")]
AsCommand = Annotated[bool, typer.Option("--command", help="As a command line.")]
AsToml = Annotated[bool, typer.Option("--toml", help="Print TOML, for `napari-sr run`.")]


def run_command(
    record: Record,
    source: Source = None,
    target: Target = None,
    overwrite: Overwrite = False,
) -> None:
    """Repeat a recorded run; with the same weights and versions, the pixels are the same."""
    from napari_sr.cli import run

    run.run(run.Again(record, source, target, overwrite))


def show_command(
    file: File,
    python: AsPython = False,
    command: AsCommand = False,
    toml: AsToml = False,
) -> None:
    """Print how the image in a file was computed."""
    from napari_sr.cli import show

    typer.echo(show.text(file, python=python, command=command, toml=toml))
