"""The record of a result as plain data: for TOML, and for the files of results.

A record in memory is what a run returns and `layer.metadata["napari-sr"]` holds. It is flat: model
and weights, source, settings, versions, diagnostics; see docs/record.md.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from napari_sr.files.image import FileError
from napari_sr.files.stored_record import stored_record
from napari_sr.files.toml_text import read_toml
from napari_sr.zoo import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "napari-sr"
"""Key of a layer's metadata whose value is the record of its run."""
PATHS = ("file", "source_path")
"""Keys of paths: of the weights and of the source."""
LARGEST = 1 << 20
"""Largest size of a record as TOML, in bytes."""


class RecordError(ValueError):
    """There is no record, or it cannot be used."""


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as TOML and JSON can hold it.

    Arrays become lists, paths and numbers that are not finite become texts, and what is None is
    left out.
    """
    return {str(key): _plain(value) for key, value in record.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if hasattr(value, "tolist"):  # NumPy
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value if one is not None]
    return str(value)


def for_file(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as the file of a result holds it: of paths only the names.

    A folder's name may tell more than its owner wants to share, such as a patient's name.
    """
    found = plain(record)
    found.pop("folder", None)
    for key in PATHS:
        if key in found:
            found[key] = PurePath(found[key]).name
    if "blended" in found:
        found["blended"] = [for_file(one) for one in found["blended"]]
    return found


def as_toml(record: Mapping[str, Any]) -> str:
    """Return a record as a TOML file, which `napari-sr run` repeats.

    The source and own checkpoints keep their whole paths; those of known models are left out.
    """
    import tomli_w

    found = plain(record)
    for one in (found, *found.get("blended", ())):
        if is_known(one):
            one.pop("file", None)
    head = "# How an image was made by napari-sr. To repeat it: napari-sr run THIS_FILE\n\n"
    return head + tomli_w.dumps(found)


def is_known(record: Mapping[str, Any]) -> bool:
    """Return whether a known model has the name and the weights that a record names."""
    try:
        entry = registry.find(str(record["model"]), record["scale"])
    except (KeyError, ValueError):
        return False
    return entry.computed or entry.sha256 == record.get("sha256")


def read_record(path: Path) -> dict[str, Any]:
    """Return the record in a TOML file or in the file of a result.

    Parameters
    ----------
    path : Path
        A TOML file, an OME-Zarr, or a TIFF, PNG, JPEG, NIfTI or MRC.

    Raises
    ------
    RecordError
        If it holds no record, or cannot be read.
    """
    try:
        found = read_toml(path, LARGEST) if path.suffix.lower() == ".toml" else stored_record(path)
    except FileNotFoundError as error:
        raise RecordError(f"there is no file {path}") from error
    except FileError as error:
        raise RecordError(str(error)) from error
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} holds no readable record: {error}") from error
    if not isinstance(found, dict) or "model" not in found:
        raise RecordError(
            f"{path} holds no record of napari-sr: a record is in results that napari-sr wrote as "
            "TIFF, OME-Zarr, PNG, JPEG, NIfTI or MRC, and in TOML files that it wrote"
        )
    return found
