"""The commands `napari-sr evaluate`, `train` and `prefetch`, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_sr.cli import options  # typer reads types
from napari_sr.cli.model import reference
from napari_sr.cli.options import at_home


def evaluate_command(
    folder: Annotated[
        Path,
        typer.Argument(
            callback=at_home, help="Folder of images, or with folders HR and LR_bicubic/x2."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model's name or file; may be repeated. [default: bicubic, fsrcnn]"),
    ] = None,
    scale: Annotated[int, typer.Option(help="How many times larger.")] = 2,
    table: Annotated[
        Path | None,
        typer.Option(
            callback=at_home, help="Write the table: .md, or .csv with a row for every image."
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            callback=at_home,
            help="Write a picture (.png) with a detail of every result, side by side.",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="The image to show in the picture. [default: the first]")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Print a row for every image.")] = False,
    rgb: Annotated[bool, typer.Option("--rgb", help="Compare colours, not luma.")] = False,
    border: Annotated[
        int | None,
        typer.Option(help="Width of the border that is ignored, in pixels. [default: the scale]"),
    ] = None,
    grey_as_rgb: Annotated[
        bool, typer.Option("--grey-as-rgb", help="Treat grey images as RGB, as some papers do.")
    ] = False,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Mean over the 8 flips and rotations of each image.")
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="psnr, ssim, frc, lpips or dists; may be repeated. [default: psnr, ssim]"
        ),
    ] = None,
) -> None:
    """Measure how close models come to the ground truth of a set of images."""
    from napari_sr.cli import evaluate
    from napari_sr.evaluation.benchmark import Protocol
    from napari_sr.evaluation.metrics import USUAL

    chosen = [reference(at_home(name), scale) for name in model or ("bicubic", "fsrcnn")]
    names = tuple(name.lower() for name in metric or USUAL)
    protocol = Protocol(not rgb, border, grey_as_rgb, {"ensemble": ensemble}, names)
    request = evaluate.Request(folder, chosen, protocol, each, table, picture, image)
    typer.echo(evaluate.run(request))


def train_command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            callback=at_home,
            help="A TOML file, or the name of an included recipe.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(callback=at_home, help="Folder that contains the recipe's folders of images."),
    ] = Path(),
    out: Annotated[
        Path | None,
        typer.Option(
            callback=at_home, help="Folder for result, log and state. [default: runs/RECIPE]"
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the training in OUT, if there is one.")
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(
            parser=options.time_span,
            help="Stop after this time in minutes; --resume continues.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Total steps. [default: as the recipe says]")
    ] = None,
    device: options.Device = "auto",
) -> None:
    """Train a network by a recipe. Ctrl-C or SIGTERM stops the training; --resume continues it."""
    from napari_sr.cli import train

    out = out or Path("runs") / Path(recipe).stem
    request = train.Request(recipe, data, out, device, resume, minutes, steps)
    result = train.run(request)
    if train.speaks():
        typer.echo(result)


def prefetch_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL...]", help="Names that `napari-sr models` lists."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All models that can be downloaded.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            callback=at_home,
            help="Copy the files, with a list of their licences, for another machine.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Download nothing; compare the files, here or in FOLDER, with their SHA-256.",
        ),
    ] = False,
) -> None:
    """Download models for work without a connection, or verify them; see docs/offline.md."""
    from napari_sr.cli import prefetch

    if not verify:
        raise typer.Exit(prefetch.fetch(prefetch.chosen(models or (), everything=everything), to))
    named = bool(models) or everything
    wanted = prefetch.chosen(models or (), everything=everything) if named else prefetch.present(to)
    raise typer.Exit(prefetch.check(wanted, to))


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("evaluate")(evaluate_command)
    app.command("train")(train_command)
    app.command("prefetch")(prefetch_command)
