"""The image for a repeated run: the recorded one, or another one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.files.lazy import open_lazy
from napari_sr.files.lazy_image import LazyImage
from napari_sr.runs.file_record import told_of
from napari_sr.runs.record import RecordError

if TYPE_CHECKING:
    from napari_sr.runs.recorded import Recorded


@dataclass(frozen=True)
class RepeatSource:
    """The image for a repeated run."""

    image: LazyImage
    """The image. If it is an array, it has no identity."""
    path: Path | None = None
    """The file, or None for an array."""
    changed: str = ""
    """A sentence for the user if the file differs from the recorded one; otherwise ""."""


def source_of(found: Recorded, image: Any = None, folder: Path | None = None) -> RepeatSource:
    """Return the image for a repeated run.

    Parameters
    ----------
    found : Recorded
        The run.
    image : array, str or Path, optional
        The image; by default, the file that the record names.
    folder : Path, optional
        The folder of the record. The file is looked for there, too.

    Raises
    ------
    RecordError
        If there is no such file, or the record's file has another shape or type now.
    ValueError, OSError
        If the image cannot be read.
    """
    if image is not None and not isinstance(image, str | Path):
        array = as_array(image)
        axes = found.axes if found.axes and len(found.axes) == len(array.shape) else None
        letters = layout_of(array.shape, array.dtype, axes).axes
        return RepeatSource(LazyImage(array, letters, {}))
    path = source_path(found, folder) if image is None else Path(image)
    opened = open_lazy(path, found.source_axes)
    own = opened.pixels.shape, str(opened.pixels.dtype)
    recorded = found.source_shape, found.source_dtype
    if image is None and found.source_shape and own != recorded:
        what = f"the layer {found.source!r}" if found.source else "the source"
        raise RecordError(
            f"{path} holds {own[1]} of shape {own[0]}, but {what} of the record was {recorded[1]} "
            f"of shape {recorded[0]}: give the image to upscale"
        )
    changed = ""
    if found.source_file and path.is_file() and told_of(path) != found.source_file:
        changed = f"{path} is not the recorded file, or has changed since: pixels may differ"
    return RepeatSource(opened, path, changed)


def source_path(found: Recorded, folder: Path | None) -> Path:
    """Return the path of the source: the recorded path, or a file of this name beside the record.

    Raises
    ------
    RecordError
        If neither exists.
    """
    if found.source_path is None:
        name = f"the layer {found.source!r}" if found.source else "an image"
        raise RecordError(
            f"the source of the record is {name}, not a file: give the image to upscale"
        )
    recorded = Path(found.source_path)
    places = [recorded] if folder is None else [recorded, folder / recorded.name]
    for path in places:
        if path.exists():
            return path
    raise RecordError(f"there is no {' and no '.join(map(str, places))}: give the image to upscale")
