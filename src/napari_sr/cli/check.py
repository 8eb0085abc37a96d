"""The command `napari-sr check`, which also writes the maps of `napari-sr upscale --maps`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from napari_sr.cli import terminal
from napari_sr.consistency.figures import KEY
from napari_sr.consistency.reordered import reordered
from napari_sr.consistency.source_part import part_of_source, scales_of
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.sample import sample_of
from napari_sr.evaluation.consistency import NAME, check_steps
from napari_sr.files.lazy import open_lazy
from napari_sr.files.lazy_image import without_windows
from napari_sr.files.place import check_apart, same_file
from napari_sr.files.save import check as check_target
from napari_sr.files.save import save
from napari_sr.runs.file_record import software
from napari_sr.runs.record import RecordError, read_record, shrunk_as
from napari_sr.runs.run import drive

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from rich.progress import Progress as Bars

    from napari_sr.consistency.source_part import Spans
    from napari_sr.evaluation.consistency import Check
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.graph.factor import Factor
    from napari_sr.runs.run import Result

FIGURES = ("rms", "p99", "bias", "pixels")
"""Fields of `Check` that the map's record contains."""


def run(
    source: Path,
    result: Path,
    model: str | None = None,
    target: Path | None = None,
    *,
    axes: str | None = None,
    factor: Factor | None = None,
    overwrite: bool = False,
) -> str:
    """Compare the result in a file with its source; return the figures in words.

    The result of a region or of a single plane is compared with that part of the source, and the
    map gets the position of that part.

    Parameters
    ----------
    source, result : Path
        The two files.
    model : str, optional
        Name of the model; by default, as the result's record says.
    target : Path, optional
        Path of the map, an OME-TIFF or an OME-Zarr. It is written part by part.
    axes : str, optional
        The source's axes, a letter each, in stored order; by default, as the file says.
    factor : int or Fraction, optional
        Enlargement; by default, as the result's record or the shapes say.
    overwrite : bool
        Whether to replace an existing map.

    Raises
    ------
    ValueError, OSError
        If a file cannot be read or written, source and result do not fit or are the same file, or
        the source has too few pixels.
    """
    record: dict[str, Any] = {}
    with suppress(RecordError):
        record = dict(read_record(result))
    image, larger = open_lazy(source, axes), open_lazy(result)
    if same_file(source, result):
        raise ValueError(f"{NAME} needs a source and its result, got the same file twice: {result}")
    if target is not None:
        others = {"the source": source, "the result": result}
        check_map(target, image, others, overwrite=overwrite)
    spans = part_of_source(record, layout_of(image.pixels.shape, image.pixels.dtype, image.axes))
    pixels = reordered(larger.pixels, larger.axes, image.axes)
    scales = scales_of(record) if factor is None else {"scale": factor}
    steps = check_steps(
        image.pixels, pixels, model or shrunk_as(record), axes=image.axes, spans=spans,
        **scales,
    )  # fmt: skip
    with terminal.bars() as bars:
        found = _drive(steps, bars, "comparing")
        if target is not None:
            _drive(_written(found, image, spans, target, overwrite=overwrite), bars, "map")
    return found.in_words()


def check_map(
    target: Path, image: LazyImage, others: Mapping[str, Path], *, overwrite: bool
) -> None:
    """Check that a map can be made and written, before anything is computed.

    Parameters
    ----------
    target : Path
        Path of the map.
    image : LazyImage
        The source.
    others : mapping of str to Path
        Files that the map must not replace. The keys name the files in error messages.
    overwrite : bool
        Whether to replace an existing map.

    Raises
    ------
    FileError
        If the path cannot be written, or its format cannot hold the map.
    ValueError
        If the source has too few pixels, or no finite ones.
    """
    for name, path in others.items():
        check_apart(target, path, other=name, what="the map")
    check_target(target, image.axes, "float32", overwrite=overwrite)
    sample_of(image.pixels, image.axes, NAME)


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
    """Write the map with the position of the checked part of the source."""
    name = f"{image.name} [consistency, in {'noise' if found.unit == 'noise' else 'values'}]"
    figures = {key: value for key, value in vars(found).items() if key in FIGURES}
    record: Mapping[str, Any] = {KEY: {**figures, "unit": found.unit, "noise": asdict(found.noise)}}
    shown = replace(
        image, pixels=found.map, name=name, channels=without_windows(image.channels),
        significant_bits=None, white_is_zero=False, record=record, places=image.places_of(spans),
        details={**image.details, "Name": name},
    )  # fmt: skip
    yield from save(target, shown, software=software({"model": KEY}), overwrite=overwrite)
