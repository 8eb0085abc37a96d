"""The record of a run on a file: the file's identity, and black and white as stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr import __version__
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.files.identity import file_identity
from napari_sr.graph.factor import factor_in, in_words
from napari_sr.zoo.provenance import FACTOR, checkpoints_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.image import ImageFile
    from napari_sr.files.lazy_image import LazyImage


def file_record(
    record: Mapping[str, Any],
    source: Path,
    image: ImageFile | LazyImage,
    asked: Settings,
    axes: str | None,
) -> dict[str, Any]:
    """Return the record of a run on the pixels of a file.

    Parameters
    ----------
    record : mapping
        The record that the run returned.
    source : Path
        The file.
    image : ImageFile or LazyImage
        The image in the file.
    asked : Settings
        Settings as the user chose them. A declared value range is in the file's stored values.
    axes : str, optional
        The axes that the user named, in stored order.

    Raises
    ------
    OSError
        If the file can no longer be read.
    """
    settings = {**record["settings"], "value_range": _stored_range(record, image, asked)}
    return {
        **record,
        "settings": settings,
        "source_path": str(source.absolute()),
        "source_shape": tuple(int(size) for size in image.pixels.shape),
        "source_dtype": str(image.pixels.dtype),
        "source_axes": axes,
        "source_bits": image.significant_bits,
        "axes": image.axes,
        **({"source_file": told_of(source)} if source.is_file() else {}),
    }


def told_of(source: Path) -> dict[str, Any]:
    """Return the identity of a file, without path and date.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    found = file_identity(source)
    return {key: found[key] for key in ("size", "sha256_of_ends")}


def _stored_range(
    record: Mapping[str, Any], image: ImageFile | LazyImage, asked: Settings
) -> tuple[float, float] | None:
    """Return black and white as the file stores them; None if the user did not declare them."""
    declared = asked.value_range
    if isinstance(declared, Percentiles):
        return image.shown_range(record["value_range"])  # the conversion is its own inverse
    return None if declared is None else (float(declared[0]), float(declared[1]))


def software(record: Mapping[str, Any]) -> str:
    """Return the names of software and model, as a text for the result's file."""
    loaded = checkpoints_in(record)
    hashes = " and ".join(str(each.get("sha256", "unknown")) for each in loaded)
    mean = ", mean of 8 views" if record.get("ensemble") else ""
    shrunk = f", shrunk to x{in_words(factor_in(record[FACTOR]))}" if FACTOR in record else ""
    return f"napari-sr {__version__}, {record.get('model')}, sha256 {hashes}{mean}{shrunk}"
