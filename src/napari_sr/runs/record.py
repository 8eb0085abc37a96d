"""The record of a result as plain data: for TOML, and for the files of results.

A run returns a record, which `layer.metadata["napari-sr"]` holds. It is a flat mapping: model and
weights, source, settings, versions, diagnostics; see docs/record.md.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from napari_sr.zoo import registry
from napari_sr.zoo.optics import OPTICS
from napari_sr.zoo.provenance import SEVERAL, with_each

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "napari-sr"
"""Key of the record in a layer's metadata."""
PATHS = ("file", "source_path")
"""Keys whose values are paths: of the weights and of the source."""
LARGEST = 1 << 20
"""Largest size of a record as TOML, in bytes."""


class RecordError(ValueError):
    """A record is missing or cannot be used."""


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a record to types that TOML and JSON can hold.

    Arrays become lists. Paths and numbers that are not finite become strings. Entries that are None
    are left out.
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
    """Convert a record for the file of a result: paths are reduced to file names.

    The name of a folder may be private: it may contain a patient's name, for instance.
    """
    found = plain(record)
    found.pop("folder", None)
    for key in PATHS:
        if key in found:
            found[key] = PurePath(found[key]).name
    return with_each(found, for_file)


def as_toml(record: Mapping[str, Any]) -> str:
    """Return a record as the text of a TOML file, with which `napari-sr run` repeats the run.

    It has the paths of the source and of the user's checkpoints, but not those of known models.
    """
    import tomli_w

    found = plain(record)
    for one in (found, *(one for key in SEVERAL for one in found.get(key, ()))):
        if is_known(one):
            one.pop("file", None)
    head = "# How an image was made by napari-sr. To repeat it: napari-sr run THIS_FILE\n\n"
    return head + tomli_w.dumps(found)


def is_known(record: Mapping[str, Any]) -> bool:
    """Return whether a record's model name and weights are those of a known model."""
    try:
        entry = registry.find(str(record["model"]), record["scale"])
    except (KeyError, ValueError):
        return False
    return entry.computed or entry.sha256 == record.get("sha256")


def known_model(record: Mapping[str, Any]) -> str | None:
    """Return the name of the known model that a record names, or None.

    It is None for the user's networks, blends and networks in series.
    """
    several = any(key in record for key in SEVERAL)
    return str(record["model"]) if not several and is_known(record) else None


def shrunk_as(record: Mapping[str, Any]) -> str | None:
    """Return the model that tells how a result is shrunk for a check; None for interpolation.

    It is a known model, or `OPTICS` for the user's networks that were trained on simulated optics.
    """
    return known_model(record) or (OPTICS if record.get(OPTICS) is True else None)


def read_record(path: Path) -> dict[str, Any]:
    """Return the record in a TOML file or in the file of a result.

    Parameters
    ----------
    path : Path
        A TOML file, an OME-Zarr, or a TIFF, PNG, JPEG, NIfTI or MRC.

    Raises
    ------
    RecordError
        If the file holds no record, or cannot be read.
    """
    # these imports take 0.2 s; forms import this module only for its names, and save that time
    from napari_sr.files.image import FileError
    from napari_sr.files.stored_record import stored_record
    from napari_sr.files.toml_text import read_toml

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
            f"{path} holds no record of napari-sr: only results that napari-sr wrote (TIFF, "
            "OME-Zarr, PNG, JPEG, NIfTI or MRC), and TOML files from napari-sr show, hold one"
        )
    return found
