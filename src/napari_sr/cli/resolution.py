"""The command `napari-sr resolution`: measure the finest repeatable detail of an image."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.cli.model import CommandError
from napari_sr.engine.image.arrays import layout_of
from napari_sr.evaluation._resolution import resolution_steps
from napari_sr.evaluation.resolution_images import Camera, Images, enlarged, middle
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.again import again
from napari_sr.runs.record import RecordError, read_record
from napari_sr.runs.run import drive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.evaluation.resolution_figures import Resolution
    from napari_sr.files.lazy_image import LazyImage

SHORT = {"micrometer": "µm", "nanometer": "nm", "millimeter": "mm"}
"""Symbols of units by OME-Zarr's name; other units are written in full."""
SQUARE = 1e-3
"""Largest relative difference between the sides of a pixel that counts as square."""


@dataclass(frozen=True)
class Request:
    """Files to measure, with properties of the camera."""

    source: Path
    result: Path | None = None
    second: Path | None = None
    second_result: Path | None = None
    camera: Camera = field(default_factory=Camera)
    pixel_size: float | None = None
    """Pixel size of the source; None to take it from the file, or else 1 px."""
    plane: tuple[int, ...] | None = None
    """Index along the axes other than Y, X and colour; None for the first plane."""


def run(request: Request, *, as_csv: bool = False) -> str:
    """Measure the resolution of the images in files; return a table for people, or CSV.

    Raises
    ------
    CommandError
        If there is no such plane, the result covers only a part of its source, or pixels are not
        square.
    ValueError, OSError
        If a file cannot be read, or the images cannot be measured.
    """
    found = measured(request)
    names = {"source file": str(request.source)}
    if request.result is not None:
        names["result file"] = str(request.result)
    return found.csv(names).rstrip("\n") if as_csv else found.text()


def plane_of(text: str | None) -> tuple[int, ...] | None:
    """Read the index of a plane: "0,3" is (0, 3).

    Raises
    ------
    CommandError
        If the text is not a list of whole numbers.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise CommandError(f'--plane needs whole numbers such as "0,3", got {text!r}') from None


def measured(request: Request) -> Resolution:
    """Return the figures; see `run`."""
    record = {} if request.result is None else _record(request.result)
    image = open_lazy(request.source)
    layout = _layout(image)
    larger = None if request.result is None else open_lazy(request.result)
    scale = 1 if larger is None else max(_layout(larger).height // max(layout.height, 1), 1)
    spans = middle(layout.height, layout.width, scale)
    plane = _plane(layout, request.plane)
    images = Images.of(
        _read(image, plane, spans, 1),
        None if larger is None else _read(larger, plane, spans, scale),
        *(
            None if path is None else _read(open_lazy(path), plane, spans, factor)
            for path, factor in ((request.second, 1), (request.second_result, scale))
        ),
    )
    size, unit = _pixel(image, request.pixel_size)
    repeated = None
    if record and request.result is not None:
        with suppress(RecordError):
            repeated = again(record, request.result.absolute().parent)
    found = drive(resolution_steps(images, request.camera, repeated, size, unit))
    height, width = images.source.shape
    if (height, width) != (layout.height, layout.width):
        found.notes.append(f"measured in the middle, {height} x {width} px of the source")
    return found


def _record(result: Path) -> Mapping[str, Any]:
    record: Mapping[str, Any] = {}
    with suppress(RecordError):
        record = read_record(result)
    if record.get("region") or record.get("plane") or record.get("kept"):
        raise CommandError(f"{result} covers only a part of its source: upscale the whole image")
    return record


def _layout(image: LazyImage) -> Layout:
    return layout_of(image.pixels.shape, image.pixels.dtype, image.axes)


def _plane(layout: Layout, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the index of the plane to measure."""
    planes = list(layout.planes())
    if wanted is None:
        return planes[0]
    if wanted not in planes:
        raise CommandError(
            f"--plane needs {len(planes[0])} indices, up to {planes[-1]} in this image of shape "
            f"{layout.shape}, got {wanted}"
        )
    return wanted


def _read(
    image: LazyImage, plane: tuple[int, ...], spans: tuple[slice, slice], scale: int
) -> NDArray[Any]:
    """Read a part of a plane; `spans` are rows and columns of the source."""
    layout = _layout(image)
    if plane not in list(layout.planes()):
        raise CommandError(f"{image.name} has no plane {plane}: its shape is {layout.shape}")
    # Images.of reports a wrong size, because it knows both shapes
    rows, columns = (enlarged(span, scale) for span in spans)
    pixels = layout.read(image.pixels, plane, rows, columns)
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def _pixel(image: LazyImage, wanted: float | None) -> tuple[float, str]:
    """Return the side of a pixel, and its unit."""
    if wanted is not None:
        return wanted, "units"
    sides = [image.places[letter] for letter in "YX" if letter in image.places]
    if len(sides) < 2:
        return 1.0, "px"
    if sides[0].unit != sides[1].unit or abs(sides[0].size / sides[1].size - 1) > SQUARE:
        raise CommandError(
            f"resolution needs square pixels, got {sides[0].size:g} {sides[0].unit} by "
            f"{sides[1].size:g} {sides[1].unit}: give --pixel-size if this is wrong"
        )
    size, unit = abs(sides[1].size), sides[1].unit
    # a pixel size without a unit means pixels only if it is 1
    return size, SHORT.get(unit, unit) or ("px" if size == 1 else "units")
