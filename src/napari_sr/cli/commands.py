"""The commands and their options. What a command does is in the file of the same name.

torch is imported only when something is computed, so that help and error messages appear at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path  # noqa: TC003  # typer reads types
from typing import Annotated, Any

import typer

from napari_sr import __version__
from napari_sr.cli import file_commands, network_commands, options, terminal
from napari_sr.cli import upscale_options as of_upscale
from napari_sr.cli.model import CommandError, load, read_options, reference
from napari_sr.cli.options import at_home
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.factor import at_scale
from napari_sr.zoo.download import cache_folder

PACKAGE_OPSET = 18
"""Version of ONNX's operator set in a package, and otherwise unless another is given."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Super-resolution: upscale images with networks.",
)


@app.callback(invoke_without_command=True)
def _no_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"napari-sr {__version__}")
    elif (name := context.invoked_subcommand) is None:
        typer.echo(context.get_help())
    else:
        group: Any = context.command
        spelled = {one.name: one.opts[-1] for one in group.commands[name].params}
        terminal.speak_of({name: one for name, one in spelled.items() if one.startswith("--")})


@app.command("upscale")
def upscale_command(
    source: of_upscale.Source,
    target: of_upscale.Target,
    pattern: of_upscale.Pattern = None,
    to: of_upscale.To = None,
    model: options.Model = None,
    blend: of_upscale.Blend = None,
    weight: of_upscale.Weight = None,
    then: of_upscale.Then = None,
    scale: of_upscale.Scale = None,
    pixel_size: of_upscale.PixelSize = None,
    tile: of_upscale.Tile = None,
    halo: of_upscale.Halo = None,
    device: options.Device = "auto",
    precision: of_upscale.Precision = "auto",
    kernels: of_upscale.Kernels = "auto",
    engine: of_upscale.Engine = "auto",
    outliers: of_upscale.Outliers = "clip",
    ensemble: of_upscale.Ensemble = False,
    uncertainty: of_upscale.Uncertainty = None,
    consistent: of_upscale.Consistent = False,
    border: of_upscale.Border = "auto",
    noise: of_upscale.Noise = None,
    value_range: of_upscale.ValueRange = None,
    percentiles: of_upscale.Percentiles = None,
    axes: of_upscale.Axes = None,
    region: of_upscale.Region = None,
    axial: of_upscale.Axial = None,
    axial_by: of_upscale.AxialBy = None,
    maps: of_upscale.Maps = None,
    option: options.Options = None,
    overwrite: options.Overwrite = False,
    resume: of_upscale.Resume = False,
    workers: of_upscale.Workers = 0,
    scheduler: of_upscale.Scheduler = None,
    part: of_upscale.Part = None,
    finish: of_upscale.Finish = False,
    ome_zarr: of_upscale.OmeZarr = None,
) -> None:
    """Upscale an image, or the images in a folder; axes, channels and units are kept.

    OME-Zarrs and images larger than memory are computed block by block; see docs/large.md. In a
    folder, finished images are skipped: after an interruption, repeat the same command.
    """
    from napari_sr.batch.folder_plan import FolderJob
    from napari_sr.batch.job import BlockOptions, FileJob
    from napari_sr.cli import advise, folder, upscale
    from napari_sr.cli.factor import read_factor
    from napari_sr.cli.how import read_axial, read_part, read_version

    values = upscale.declared(value_range, percentiles)
    factor = read_factor(scale, pixel_size, source, axes)
    if model == advise.AUTO:
        model = advise.model_for(source, advise.scale_for(factor), values, axes)
    given = read_options(option)
    wanted = at_scale(reference(model, None, given, blend, weight, then), factor)
    wanted = replace(wanted, consistent=consistent)
    settings = Settings(
        tile, halo, device, precision, values, kernels, outliers, ensemble, engine, border, noise
    )
    version = read_version(ome_zarr)
    blocks = BlockOptions(resume, workers, scheduler, read_part(part), finish, version)
    spans = None if region is None else (region[:2], region[2:])
    along_z = read_axial(axial, axial_by)
    job = FileJob(
        source, target, wanted, settings, axes, overwrite, spans, uncertainty, maps, along_z
    )
    if folder.wanted(source, pattern or (), to):
        raise typer.Exit(folder.run(FolderJob(job, pattern or (), to, blocks)))
    if told := upscale.run(job, blocks):
        typer.echo(told)


file_commands.add_to(app)
network_commands.add_to(app)


@app.command("models")
def models_command(
    wide: Annotated[
        bool, typer.Option("--wide", help="Full tables, even if the terminal is narrower.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything as JSON, for programs.")
    ] = False,
    search: Annotated[
        str, typer.Option(metavar="WORDS", help="Only rows that contain all of these words.")
    ] = "",
) -> None:
    """List networks, models, your own files and the download folder."""
    from napari_sr.cli import models

    if as_json:
        typer.echo(models.as_json(search))
        return
    narrow = sys.stdout.isatty() and not wide
    typer.echo(models.text(shutil.get_terminal_size().columns if narrow else None, search))
    typer.echo(f"\nDownloads are kept in {cache_folder()} (set NAPARI_SR_CACHE to change this).")
    if mirror := os.environ.get("NAPARI_SR_WEIGHTS"):
        typer.echo(f"The mirror {mirror} is searched first (NAPARI_SR_WEIGHTS).")


@app.command("export")
def export_command(
    model: options.ModelArgument,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            callback=at_home,
            help="The file to write: .onnx, or .zip for a model package of bioimage.io.",
        ),
    ],
    scale: options.Scale = None,
    opset: Annotated[
        int, typer.Option(help="For .onnx: version of ONNX's operator set, 18 to 20.")
    ] = PACKAGE_OPSET,
    author: Annotated[
        list[str] | None, typer.Option(help="For .zip: the package's author; may be repeated.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="For .zip: the licence, such as CC-BY-4.0.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(metavar="TEXT", help="For .zip: what the network is for.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            metavar="SIGMA",
            parser=options.number,
            help="For .zip, for networks that take the noise: its standard deviation in every "
            "image, where white is 1.",
        ),
    ] = None,
    option: options.Options = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a network for other programs: for images of any size, checked with onnxruntime."""
    from napari_sr.onnx import export, package
    from napari_sr.onnx.package_description import About

    suffixes = (*export.SUFFIXES, *package.SUFFIXES)
    export.check_ready(target, opset, overwrite=overwrite, suffixes=suffixes)
    wanted = reference(model, scale, read_options(option))
    packs = target.suffix.lower() in package.SUFFIXES
    told = {"--author": author, "--licence": licence, "--purpose": purpose, "--noise": noise}
    _refuse_ignored([one for one, value in told.items() if value is not None], opset, target, packs)
    with terminal.bars() as bars:
        network = load(wanted, bars)
        if packs:
            about = About(tuple(author or ()), licence, purpose)
            package.export_package(network, target, about=about, noise=noise, overwrite=overwrite)
        else:
            export.export(network, target, opset=opset, overwrite=overwrite)


def _refuse_ignored(told: list[str], opset: int, target: Path, packs: bool) -> None:
    """Refuse options that this kind of file cannot have.

    Parameters
    ----------
    told : list of str
        The options for packages that the user gave.
    opset : int
        The version of ONNX's operator set.
    target : Path
        The file to write.
    packs : bool
        Whether it is a package.
    """
    if packs and opset != PACKAGE_OPSET:
        raise CommandError(
            f"--opset is for .onnx files, got --opset {opset} for {target}: the network in a "
            f"package always has version {PACKAGE_OPSET}"
        )
    if told and not packs:
        why = "does not store it"
        if told[0] == "--noise":
            why = "takes the level of the noise as a channel of its input"
        raise CommandError(f"{told[0]} is for packages (.zip), got {target}: an .onnx file {why}")


@app.command("demo")
def demo_command() -> None:
    """Open napari with a sample image and its upscaled result, side by side."""
    from napari_sr import demo

    raise typer.Exit(demo.main())
