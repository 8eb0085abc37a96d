"""The command `napari-sr check`: whether a result agrees with its source."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.cli.model import CommandError
from napari_sr.evaluation.consistency import check, known_model
from napari_sr.files.lazy import open_lazy
from napari_sr.files.place import check_apart
from napari_sr.files.save import check as check_target
from napari_sr.files.save import save
from napari_sr.runs.file_record import software
from napari_sr.runs.record import RecordError, read_record

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sr.evaluation.consistency import Check
    from napari_sr.files.lazy_image import LazyImage


def run(
    source: Path,
    result: Path,
    model: str | None = None,
    target: Path | None = None,
    *,
    overwrite: bool = False,
) -> str:
    """Compare the result in a file with its source; return the figures in words.

    Parameters
    ----------
    source, result : Path
        The two files.
    model : str, optional
        Name of the model; by default, as the result's record says.
    target : Path, optional
        Path of the map, an OME-TIFF or an OME-Zarr.
    overwrite : bool
        Whether to replace an existing map.

    Raises
    ------
    CommandError
        If the result is of a part of its source.
    ValueError, OSError
        If a file cannot be read or written, or the two do not fit.
    """
    record = {}
    with suppress(RecordError):
        record = dict(read_record(result))
    if record.get("region") or record.get("plane"):
        raise CommandError(f"{result} is of a part of its source: upscale the whole image to check")
    image, larger = open_lazy(source), open_lazy(result)
    if target is not None:
        for path in (source, result):
            check_apart(target, path)
        check_target(target, image.axes, "float32", overwrite=overwrite)
    found = check(image.pixels, larger.pixels, model or known_model(record), axes=image.axes)
    if target is not None:
        _write(found, image, target, overwrite=overwrite)
    return found.in_words()


def _write(found: Check, image: LazyImage, target: Path, *, overwrite: bool) -> None:
    """Write the map, which lies on the source."""
    name = f"{image.name} [consistency, in {'noise' if found.unit == 'noise' else 'values'}]"
    shown = replace(
        image, pixels=found.map, name=name, channels=(), significant_bits=None,
        white_is_zero=False, record=None,
    )  # fmt: skip
    for _ in save(target, shown, software=software({"model": "consistency"}), overwrite=overwrite):
        pass
