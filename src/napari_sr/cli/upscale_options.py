"""Options that only `napari-sr upscale` has, in the order of its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_sr.cli.options import at_home, number

Source = Annotated[
    Path,
    typer.Argument(
        metavar="IN", callback=at_home, help="PNG, JPEG, TIFF, OME-Zarr, or a folder of them."
    ),
]
Target = Annotated[
    Path,
    typer.Argument(
        metavar="OUT",
        callback=at_home,
        help="The result: its suffix sets the format, .zarr is OME-Zarr. A folder if IN is one.",
    ),
]
Pattern = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Files to upscale in the folder IN, such as '*.tif' or '**/*.tif'; may be repeated.",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        metavar="SUFFIX",
        help="Format of all results from a folder, such as .tif or .ome.zarr. [default: as IN]",
    ),
]
Blend = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        callback=at_home,
        help="A second checkpoint of the same network; both are blended.",
    ),
]
Weight = Annotated[
    float | None,
    typer.Option(
        parser=number, help="Share of the second checkpoint in the blend, 0 to 1. [default: 0.5]"
    ),
]
Then = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        callback=at_home,
        help="Another model that then reads the result, such as bsrn after one that restores. "
        "--scale is then the factor of both together.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="FACTOR",
        help="How many times larger, such as 4 or 2.5; needed if the model exists for several "
        "scales.",
    ),
]
PixelSize = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Pixel size of OUT, in place of --scale: 0.1 (in the unit of IN) or 0.1um.",
    ),
]
Tile = Annotated[
    int | None, typer.Option(help="Side of tiles in input pixels. [default: by memory and time]")
]
Halo = Annotated[
    int | None,
    typer.Option(help="Overlap of tiles in input pixels. [default: enough for exact results]"),
]
Precision = Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")]
Kernels = Annotated[str, typer.Option(help="auto, reference or triton.")]
Engine = Annotated[str, typer.Option(help="On a CPU: auto, torch, openvino or onnxruntime.")]
Outliers = Annotated[str, typer.Option(help="Implausible values: clip, mark (as NaN) or keep.")]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble", help="Mean over 8 flips and rotations: 8 times the time, a little better."
    ),
]
Consistent = Annotated[
    bool,
    typer.Option(
        "--consistent", help="Correct OUT until it agrees with IN when shrunk; not for noisy IN."
    ),
]
Uncertainty = Annotated[
    Path | None,
    typer.Option(
        metavar="MAP",
        callback=at_home,
        help="Turn on --ensemble, and write the spread over its 8 views: .ome.tif or .ome.zarr.",
    ),
]
Border = Annotated[
    str,
    typer.Option(
        help="Pixels beyond the border: auto (reflected where the network allows it), reflect, or "
        "zeros (as in papers)."
    ),
]
Noise = Annotated[
    float | None,
    typer.Option(
        metavar="SIGMA",
        parser=number,
        help="Standard deviation of the noise in pixel values, for networks that take it. "
        "[default: estimated from the image]",
    ),
]
ValueRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        parser=number,
        help="Values of black and white. [default: the integer type's range, or 0 1 for floats]",
    ),
]
Percentiles = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        parser=number,
        help="Take black and white from percentiles, such as 0.1 99.9.",
    ),
]
Axes = Annotated[
    str | None,
    typer.Option(help="A letter per axis, such as TZYX or YXC. [default: as the file says]"),
]
Region = Annotated[
    tuple[int, int, int, int] | None,
    typer.Option(
        metavar="TOP BOTTOM LEFT RIGHT",
        help="Upscale only these rows and columns; BOTTOM and RIGHT are not included.",
    ),
]
Axial = Annotated[
    str | None,
    typer.Option(
        metavar="FACTOR",
        help="Enlarge Z, too: a number, or cubes for cubic voxels by the file's pixel sizes.",
    ),
]
AxialBy = Annotated[
    str | None,
    typer.Option(
        metavar="WAY",
        help="interpolation, or network: XZ and YZ planes, if Z is coarse. [default: "
        "interpolation]",
    ),
]
Maps = Annotated[
    Path | None,
    typer.Option(
        metavar="MAP",
        callback=at_home,
        help="Write a map of where OUT, shrunk again, differs from IN: .ome.tif or .ome.zarr.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an unfinished OUT.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Number of worker processes. [default: compute in this process]")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Compute blocks on a dask.distributed scheduler."),
]
Part = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Compute only part I of N, for job arrays; use --finish at the end."
    ),
]
Finish = Annotated[
    bool, typer.Option("--finish", help="Check that all parts are computed, and finish OUT.")
]
OmeZarr = Annotated[
    str | None,
    typer.Option(metavar="VERSION", help="Version of OME-Zarr: 0.4 or 0.5. [default: 0.5]"),
]
