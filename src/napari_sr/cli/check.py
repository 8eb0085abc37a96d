"""The command `napari-sr check`, and the maps of `napari-sr upscale`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from napari_sr.cli import terminal
from napari_sr.consistency.figures import KEY
from napari_sr.consistency.reordered import reordered
from napari_sr.consistency.source_part import part_of_source
from napari_sr.engine.image.arrays import layout_of
from napari_sr.evaluation.consistency import check_steps
from napari_sr.files.lazy import open_lazy
from napari_sr.files.place import check_apart
from napari_sr.files.save import check as check_target
from napari_sr.files.save import save
from napari_sr.runs.file_record import software
from napari_sr.runs.record import RecordError, known_model, read_record
from napari_sr.runs.run import drive

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.consistency.source_part import Spans
    from napari_sr.evaluation.consistency import Check
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.runs.run import Result

FIGURES = ("rms", "p99", "bias", "pixels")
"""Fields of a check that the map's record holds."""


def run(
    source: Path,
    result: Path,
    model: str | None = None,
    target: Path | None = None,
    *,
    axes: str | None = None,
    overwrite: bool = False,
) -> str:
    """Compare the result in a file with its source; return the figures in words.

    A result of a region or a single plane is compared with this part, and the map lies there.

    Parameters
    ----------
    source, result : Path
        The two files.
    model : str, optional
        Name of the model; by default, as the result's record says.
    target : Path, optional
        Path of the map, an OME-TIFF or an OME-Zarr. It is written part by part.
    axes : str, optional
        The axes of the source that the user named, in stored order.
    overwrite : bool
        Whether to replace an existing map.

    Raises
    ------
    ValueError, OSError
        If a file cannot be read or written, or the two do not fit.
    """
    record: dict[str, Any] = {}
    with suppress(RecordError):
        record = dict(read_record(result))
    image, larger = open_lazy(source, axes), open_lazy(result)
    if target is not None:
        check_map(target, image, (source, result), overwrite=overwrite)
    spans = part_of_source(record, layout_of(image.pixels.shape, image.pixels.dtype, image.axes))
    pixels = reordered(larger.pixels, larger.axes, image.axes)
    steps = check_steps(
        image.pixels, pixels, model or known_model(record), axes=image.axes, spans=spans
    )
    with terminal.bars() as bars:
        found = _drive(steps, bars, "comparing")
        if target is not None:
            _drive(_written(found, image, spans, target, overwrite=overwrite), bars, "map")
    return found.in_words()


def check_map(target: Path, image: LazyImage, others: Sequence[Path], *, overwrite: bool) -> None:
    """Check that a map can be written, before anything is computed.

    Parameters
    ----------
    target : Path
        Path of the map.
    image : LazyImage
        The source.
    others : sequence of Path
        Files that the map must not replace: source and result.
    overwrite : bool
        Whether to replace an existing map.

    Raises
    ------
    FileError
        If the path cannot be written, or its format cannot hold the map.
    """
    for path in others:
        check_apart(target, path)
    check_target(target, image.axes, "float32", overwrite=overwrite)


def _drive(steps: Generator[tuple[int, int], None, Result], bars: Bars, what: str) -> Result:
    """Run a generator to its end with a progress bar."""
    bar = bars.add_task(what, total=None)
    try:
        return drive(steps, lambda step: bars.update(bar, completed=step[0], total=step[1]))
    finally:
        bars.remove_task(bar)


def _written(
    found: Check, image: LazyImage, spans: Spans | None, target: Path, *, overwrite: bool
) -> Generator[tuple[int, int], None, None]:
    """Write the map, which lies on the part of the source that was checked."""
    name = f"{image.name} [consistency, in {'noise' if found.unit == 'noise' else 'values'}]"
    figures = {key: value for key, value in vars(found).items() if key in FIGURES}
    record: Mapping[str, Any] = {KEY: {**figures, "unit": found.unit, "noise": asdict(found.noise)}}
    shown = replace(
        image, pixels=found.map, name=name, channels=(), significant_bits=None,
        white_is_zero=False, record=record, places=image.places_of(spans),
    )  # fmt: skip
    yield from save(target, shown, software=software({"model": KEY}), overwrite=overwrite)
