"""The command line: `napari-sr upscale`, `napari-sr models`, `napari-sr demo`.

torch is imported once there is something to compute, so that help and mistakes come at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing
from pathlib import Path  # noqa: TC003  # typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from napari_sr import __version__, terminal
from napari_sr.zoo.download import DownloadError, cache_folder, fetch, local_path
from napari_sr.zoo.registry import Entry, find

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.progress import Progress as Bars

    from napari_sr.engine.arrays import Percentiles
    from napari_sr.engine.plan import Settings
    from napari_sr.engine.plane import Progress
    from napari_sr.engine.upscale import Upscaled
    from napari_sr.files.image import ImageFile
    from napari_sr.models._network import Network

FAILED, INTERRUPTED = 2, 130
"""Exit codes; the second is what shells give a program that Ctrl-C ended."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Super-resolution: upscale images with networks.",
)


class CommandError(Exception):
    """Something that the user is told in one line."""


def main() -> NoReturn:
    """Run the command line; mistakes are one line and exit code 2, Ctrl-C is 130."""
    # typer exports this class of its command library by a subclass only
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except usage_error as error:
        code = _failed(error.format_message())  # type: ignore[attr-defined]  # see above
    except (CommandError, DownloadError, ValueError, OSError, RuntimeError, MemoryError) as error:
        code = _failed(str(error) or type(error).__name__)
    if code == INTERRUPTED:
        typer.echo("Interrupted: nothing was written.", err=True)
    sys.exit(code or 0)


def _failed(message: str) -> int:
    typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return FAILED


@app.callback(invoke_without_command=True)
def _no_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"napari-sr {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("upscale")
def upscale_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="PNG, JPEG or TIFF.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Its ending decides the format.")],
    model: Annotated[
        str | None,
        typer.Option(help="A name that `napari-sr models` lists, or a checkpoint file."),
    ] = None,
    scale: Annotated[
        int | None, typer.Option(help="How many times larger; needed where the model has several.")
    ] = None,
    tile: Annotated[
        int | None, typer.Option(help="Input pixels a side computed at once. [default: by memory]")
    ] = None,
    halo: Annotated[
        int | None, typer.Option(help="Input pixels that tiles overlap. [default: exact]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")] = "auto",
    kernels: Annotated[str, typer.Option(help="auto, reference or triton.")] = "auto",
    outliers: Annotated[
        str, typer.Option(help="Impossible results: clip, mark (as NaN) or keep.")
    ] = "clip",
    value_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="Black and white. [default: all of an integer type, 0 1 for floats]",
        ),
    ] = None,
    percentiles: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Take the range from the image, such as 0.1 99.9."),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(help="A letter per axis, such as TZYX or YXC. [default: as the file says]"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="For checkpoint files, such as res_scale=0.1."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Upscale an image file; resolution, axes and channels go along."""
    from napari_sr.files import formats

    formats.check_target(target, source, overwrite=overwrite)
    if value_range is not None and percentiles is not None:
        raise CommandError(
            f"give --value-range or --percentiles, got {value_range} and {percentiles}"
        )
    options = dict(_option(text) for text in option or [])
    image = _read(source, axes)
    with terminal.bars() as bars, terminal.warnings_as_lines(bars):
        network = _load(model, scale, options, bars)
        for note in (*image.notes, *formats.check_holds(target, image, network.scale)):
            terminal.tell(bars, f"{source.name}: {note}")
        from napari_sr.engine import plan  # brings torch

        declared = _declared(value_range, percentiles)
        words = (device, precision, declared, kernels, outliers)
        settings = plan.Settings(tile, halo, *words)
        result = _run(image, network, settings, bars)
        larger = image.enlarged(result.pixels, network.scale, _software(network))
        formats.write(target, larger)
        if bars.console.is_terminal:
            terminal.tell(
                bars, f"{target}: {larger.axes} {larger.pixels.shape}, {_software(network)}"
            )


@app.command("models")
def models_command(
    wide: Annotated[
        bool, typer.Option("--wide", help="All of the tables, however narrow the terminal.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: all that is known.")
    ] = False,
) -> None:
    """List the networks, the models to be chosen by name, and where downloads are kept."""
    from napari_sr import listing

    if as_json:
        typer.echo(listing.as_json())
        return
    narrow = sys.stdout.isatty() and not wide
    typer.echo(listing.text(shutil.get_terminal_size().columns if narrow else None))
    typer.echo(f"\nDownloads are kept in {cache_folder()} (NAPARI_SR_CACHE moves it).")
    mirror = os.environ.get("NAPARI_SR_WEIGHTS")
    if mirror:
        typer.echo(f"Files are looked for first in {mirror} (NAPARI_SR_WEIGHTS).")


@app.command("demo")
def demo_command() -> None:
    """Open napari with a sample image and its upscaling, side by side."""
    from napari_sr import demo

    raise typer.Exit(demo.main())


def _option(text: str) -> tuple[str, float | bool]:
    key, _, value = text.partition("=")
    words = {"true": True, "false": False}
    try:
        number = words[value.lower()] if value.lower() in words else float(value)
    except ValueError:
        raise CommandError(
            f"--option needs KEY=NUMBER, such as res_scale=0.1, got {text!r}"
        ) from None
    whole = not isinstance(number, bool) and number.is_integer() and "." not in value
    return key.replace("-", "_"), int(number) if whole else number


def _read(source: Path, axes: str | None) -> ImageFile:
    from napari_sr.engine.arrays import layout_of
    from napari_sr.files import formats

    image = formats.read(source, None if axes is None else axes.upper())
    layout_of(image.pixels.shape, image.pixels.dtype, image.axes)  # refuses what does not fit
    return image


def _load(model: str | None, scale: int | None, options: dict[str, Any], bars: Bars) -> Network:
    from napari_sr import api

    if model is None or not (model.endswith(api.SUFFIXES) or os.path.isfile(model)):
        entry = find(model, scale)
        if local_path(entry) is None:
            _download(entry, bars)
        model = entry.name
    return api.load(model, scale, **options)


def _download(entry: Entry, bars: Bars) -> None:
    size = f"{entry.size / 1e6:.1f} MB"
    terminal.tell(bars, f"downloading {entry.name}, {size}, licence: {entry.licence}")
    bar = bars.add_task(f"{entry.name}, bytes", total=entry.size)
    fetch(entry, lambda done, total: bars.update(bar, completed=done, total=total))
    bars.remove_task(bar)


def _declared(
    value_range: tuple[float, float] | None, percentiles: tuple[float, float] | None
) -> tuple[float, float] | Percentiles | None:
    from napari_sr.engine.arrays import Percentiles

    return value_range if percentiles is None else Percentiles(*percentiles)


def _run(image: ImageFile, network: Network, settings: Settings, bars: Bars) -> Upscaled:
    from napari_sr.engine.devices import OutOfMemoryError
    from napari_sr.engine.upscale import upscale_array

    bar = bars.add_task("tiles", total=None)

    def show(step: Progress) -> None:
        bars.update(bar, completed=step.done, total=step.total)
        if step.message:
            terminal.tell(bars, step.message)

    with closing(upscale_array(image.pixels, network, settings, axes=image.axes)) as steps:
        try:
            return _follow(steps, show)
        except OutOfMemoryError as error:
            raise CommandError(str(error)) from error


def _follow(
    steps: Generator[Progress, None, Upscaled], show: Callable[[Progress], None]
) -> Upscaled:
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Upscaled = end.value
            return result
        show(step)


def _software(network: Network) -> str:
    known = network.provenance
    return f"napari-sr {__version__}, {known['model']}, sha256 {known['sha256']}"
