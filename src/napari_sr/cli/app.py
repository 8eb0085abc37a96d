"""The command line: `napari-sr upscale`, `napari-sr models`, `napari-sr export`, `napari-sr demo`.

torch is imported once there is something to compute, so that help and mistakes come at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar, cast

import typer

from napari_sr import __version__
from napari_sr.cli import terminal
from napari_sr.cli import upscale as upscale_file
from napari_sr.cli.upscale import CommandError
from napari_sr.zoo.download import DownloadError, cache_folder

FAILED = 2
INTERRUPTED, TERMINATED = (terminal.SIGNALLED + signal.SIGINT, terminal.SIGNALLED + signal.SIGTERM)
"""Exit codes of programs that Ctrl-C or SIGTERM ended: 130 and 143."""
WORDS = {INTERRUPTED: "Interrupted", TERMINATED: "Terminated"}

Given = TypeVar("Given", str, Path, None)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Super-resolution: upscale images with networks.",
)


def main() -> NoReturn:
    """Run the command line; mistakes are one line and exit code 2, Ctrl-C is 130, SIGTERM 143."""
    try:
        with terminal.terminable():
            code = _run()
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except terminal.Terminated:
        code = TERMINATED
    if code in WORDS:
        typer.echo(f"{WORDS[code]}: nothing was written.", err=True)
    sys.exit(code)


def _run() -> int:
    """Return the exit code of what the arguments ask for."""
    # typer exports this class of its command library by a subclass only
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        return app(standalone_mode=False) or 0
    except terminal.Stopped as stopped:
        sys.exit(stopped.code)
    except usage_error as error:
        return _failed(error.format_message())  # type: ignore[attr-defined]  # see above
    except OSError as error:
        known = error.filename and error.strerror
        return _failed(f"{error.filename}: {error.strerror}" if known else _words(error))
    except (RuntimeError, MemoryError) as error:
        return _failed(_of_memory(error))
    except (CommandError, DownloadError, ValueError) as error:
        return _failed(_words(error))


def _of_memory(error: RuntimeError | MemoryError) -> str:
    """Return what went wrong, as lack of memory where it was that."""
    from napari_sr.engine.planning.budget import told_in_words  # brings torch
    from napari_sr.engine.planning.devices import OutOfMemoryError

    try:
        with told_in_words("the command ran"):
            raise error
    except (RuntimeError, OutOfMemoryError) as told:
        return _words(told)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _at_home(given: Given) -> Given:
    """Return a path or a name with a leading "~" as the home folder, as some shells leave it."""
    if given is None:
        return given
    # unlike Path.expanduser, this leaves "~name" as it is where there is no such user
    return type(given)(os.path.expanduser(given))


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
    source: Annotated[
        Path, typer.Argument(metavar="IN", callback=_at_home, help="PNG, JPEG or TIFF.")
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", callback=_at_home, help="Its ending decides the format."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            callback=_at_home, help="A name that `napari-sr models` lists, or a checkpoint file."
        ),
    ] = None,
    blend: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            callback=_at_home,
            help="A second checkpoint of the same network, to blend in.",
        ),
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option(help="Share of the second in the blend, from 0 to 1. [default: 0.5]"),
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
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble", help="Mean over all flips and turns: 8 times the time, a little better."
        ),
    ] = False,
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
    values = upscale_file.declared(value_range, percentiles)
    options = dict(upscale_file.option(text) for text in option or [])
    wanted = upscale_file.reference(model, scale, options, blend, weight)
    image = upscale_file.read(source, axes, wanted)
    from napari_sr.engine.planning.settings import Settings

    settings = Settings(tile, halo, device, precision, values, kernels, outliers, ensemble)
    upscale_file.run(image, source.name, target, wanted, settings)


@app.command("evaluate")
def evaluate_command(
    folder: Annotated[
        Path,
        typer.Argument(
            callback=_at_home,
            help="A folder of images, or with HR/ and LR_bicubic/x2/ inside.",
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
            callback=_at_home, help="Write the table there: .md, or .csv with every image."
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(callback=_at_home, help="Write a detail of every result side by side: .png."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="Which image goes into the picture. [default: the first]")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Print a row for every image.")] = False,
    rgb: Annotated[bool, typer.Option("--rgb", help="Judge colours, not luma.")] = False,
    border: Annotated[
        int | None, typer.Option(help="Pixels left out around images. [default: the scale]")
    ] = None,
    grey_as_rgb: Annotated[
        bool, typer.Option("--grey-as-rgb", help="Treat grey images as RGB, as some papers do.")
    ] = False,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Mean over all flips and turns of each image.")
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="psnr, ssim, frc, lpips or dists; may be repeated. [default: psnr, ssim]"
        ),
    ] = None,
) -> None:
    """Measure how near models come to a set of images, beside what was published."""
    from napari_sr.cli import evaluate as evaluate_set
    from napari_sr.evaluation.benchmark import Protocol
    from napari_sr.evaluation.metrics import USUAL

    chosen = [
        upscale_file.reference(_at_home(name), scale) for name in model or ("bicubic", "fsrcnn")
    ]
    names = tuple(name.lower() for name in metric or USUAL)
    protocol = Protocol(not rgb, border, grey_as_rgb, {"ensemble": ensemble}, names)
    request = evaluate_set.Request(folder, chosen, protocol, each, table, picture, image)
    typer.echo(evaluate_set.run(request))


@app.command("train")
def train_command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", callback=_at_home, help="A TOML file, or a name that ships."
        ),
    ],
    data: Annotated[
        Path, typer.Option(callback=_at_home, help="Where the recipe's folders of images are.")
    ] = Path(),
    out: Annotated[
        Path | None,
        typer.Option(
            callback=_at_home, help="Where result, log and state go. [default: runs/RECIPE]"
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from what OUT holds, if anything.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after so long, to be resumed.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="How many in all. [default: as the recipe says]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
) -> None:
    """Train a network by a recipe; Ctrl-C or SIGTERM stops, and --resume goes on."""
    from napari_sr.cli import train as train_network

    folder = out or Path("runs") / Path(recipe).stem
    request = train_network.Request(recipe, data, folder, device, resume, minutes, steps)
    result = train_network.run(request)
    if train_network.speaks():
        typer.echo(result)


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
    from napari_sr.cli import models as listing

    if as_json:
        typer.echo(listing.as_json())
        return
    narrow = sys.stdout.isatty() and not wide
    typer.echo(listing.text(shutil.get_terminal_size().columns if narrow else None))
    typer.echo(f"\nDownloads are kept in {cache_folder()} (NAPARI_SR_CACHE moves it).")
    mirror = os.environ.get("NAPARI_SR_WEIGHTS")
    if mirror:
        typer.echo(f"Files are looked for first in {mirror} (NAPARI_SR_WEIGHTS).")


@app.command("export")
def export_command(
    model: Annotated[
        str,
        typer.Argument(
            callback=_at_home, help="A name that `napari-sr models` lists, or a checkpoint file."
        ),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", callback=_at_home, help="Ends in .onnx.")
    ],
    scale: Annotated[
        int | None, typer.Option(help="How many times larger; needed where the model has several.")
    ] = None,
    opset: Annotated[int, typer.Option(help="Version of ONNX's operators, 18 to 20.")] = 18,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="For checkpoint files, such as res_scale=0.1."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write a network as an ONNX file for images of any size, checked with onnxruntime."""
    from napari_sr.onnx import export as onnx_export

    onnx_export.check_ready(target, opset, overwrite=overwrite)
    options = dict(upscale_file.option(text) for text in option or [])
    with terminal.bars() as bars:
        network = upscale_file.load(upscale_file.reference(model, scale, options), bars)
        onnx_export.export(network, target, opset=opset, overwrite=overwrite)


@app.command("demo")
def demo_command() -> None:
    """Open napari with a sample image and its upscaling, side by side."""
    from napari_sr import demo

    raise typer.Exit(demo.main())
