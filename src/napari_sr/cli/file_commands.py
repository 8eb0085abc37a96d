"""The commands `napari-sr advise`, `check`, `resolution`, `run` and `show`, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_sr.cli import upscale_options as of_upscale  # noqa: TC001  # typer reads types
from napari_sr.cli.options import Overwrite, at_home, number

if TYPE_CHECKING:
    from collections.abc import Callable

Record = Annotated[
    Path,
    typer.Argument(
        metavar="RECORD", callback=at_home, help="A record (.toml), or an upscaled image."
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
        help="The result; its suffix sets the format. [default: RECORD.ome.tif, if RECORD is TOML]",
    ),
]
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", callback=at_home, help="An upscaled image, or a record."),
]
AsPython = Annotated[bool, typer.Option("--python", help="Print Python code.")]
AsCommand = Annotated[bool, typer.Option("--command", help="Print a command line.")]
AsToml = Annotated[bool, typer.Option("--toml", help="Print TOML, for `napari-sr run`.")]


def advise_command(
    images: Annotated[list[Path], typer.Argument(metavar="IN...", help="Image files.")],
    scale: Annotated[int, typer.Option(help="How many times larger.")] = 2,
    value_range: of_upscale.ValueRange = None,
    percentiles: of_upscale.Percentiles = None,
    axes: of_upscale.Axes = None,
) -> None:
    """Say which model suits an image, and why; several images get one line each."""
    from napari_sr.cli import advise, upscale

    values = upscale.declared(value_range, percentiles)
    paths = [at_home(path) for path in images]
    if len(paths) == 1:
        typer.echo(advise.text(advise.advice_for(paths[0], scale, values, axes)))
        return
    failed = 0
    for path in paths:
        line, is_advice = advise.line(path, scale, values, axes)
        failed += not is_advice
        typer.echo(f"{path}: {line}", err=not is_advice)
    if failed:
        raise typer.Exit(1)


def check_command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", callback=at_home, help="The image.")],
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", callback=at_home, help="The upscaled image.")
    ],
    model: Annotated[
        str | None, typer.Option(help="The model's name. [default: as RESULT's record says]")
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="FACTOR",
            help="How many times larger RESULT is. [default: as its record or size says]",
        ),
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(metavar="OUT", callback=at_home, help="Write a map: .ome.tif or .ome.zarr."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Say whether a result agrees with its source once it is shrunk to the source's size."""
    from napari_sr.cli import check
    from napari_sr.cli.factor import read_factor

    factor = None if scale is None else read_factor(scale, None, source, None)
    typer.echo(check.run(source, result, model, maps, factor=factor, overwrite=overwrite))


def resolution_command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", callback=at_home, help="The image.")],
    result: Annotated[
        Path | None,
        typer.Argument(metavar="[RESULT]", callback=at_home, help="The upscaled image."),
    ] = None,
    second: Annotated[
        Path | None,
        typer.Option(
            metavar="IN", callback=at_home, help="A second exposure of the same field of view."
        ),
    ] = None,
    second_result: Annotated[
        Path | None,
        typer.Option(metavar="IN", callback=at_home, help="The second exposure, upscaled."),
    ] = None,
    gain: Annotated[
        float | None,
        typer.Option(
            parser=number,
            help="Pixel values per photon, to split one exposure into two; 1 if pixels count "
            "photons.",
        ),
    ] = None,
    offset: Annotated[float, typer.Option(parser=number, help="Pixel value without light.")] = 0.0,
    read_noise: Annotated[
        float, typer.Option(parser=number, help="The camera's read noise, in photons.")
    ] = 0.0,
    pixel_size: Annotated[
        float | None,
        typer.Option(parser=number, help="Pixel size of SOURCE. [default: as the file says]"),
    ] = None,
    plane: Annotated[
        str | None, typer.Option(help='Index of the plane, such as "0,3". [default: the first]')
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV with ten digits.")] = False,
) -> None:
    """Measure the finest repeatable detail of an image and of its result."""
    from napari_sr.cli import resolution
    from napari_sr.evaluation.resolution_images import Camera

    request = resolution.Request(
        source, result, second, second_result, Camera(gain, offset, read_noise), pixel_size,
        resolution.plane_of(plane),
    )  # fmt: skip
    typer.echo(resolution.run(request, as_csv=csv))


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


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    commands: dict[str, Callable[..., None]] = {
        "advise": advise_command, "check": check_command, "resolution": resolution_command,
        "run": run_command, "show": show_command,
    }  # fmt: skip
    for name, command in commands.items():
        app.command(name)(command)
