"""Decide whether a result in a folder is finished: same source, same model, same settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_sr.files import formats, lazy
from napari_sr.files.folder_journal import stamp_of
from napari_sr.files.image import FileError
from napari_sr.zoo.provenance import with_each

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sr.files.folder_journal import Entry


def identity_of(source: Path, axes: str | None) -> dict[str, Any]:
    """Return JSON that identifies a source and changes when the source changes.

    It contains no paths, so the folder may be moved.

    Parameters
    ----------
    source : Path
        An OME-Zarr or a file.
    axes : str, optional
        One letter per axis.

    Raises
    ------
    ValueError, OSError
        If the source cannot be read.
    """
    from napari_sr.files.identity import file_identity
    from napari_sr.files.lazy_tiff import open_tiff

    if source.is_dir():
        found = dict(lazy.open_lazy(source, axes).identity)
    else:
        is_tiff = formats.is_tiff(source)  # raises if it is not a file
        try:
            found = dict(open_tiff(source, axes).identity if is_tiff else file_identity(source))
        except FileError:
            found = file_identity(source)  # the run will report what is wrong
    found["parts"] = [{**part, "path": None} for part in found.get("parts", ())]
    plain: dict[str, Any] = json.loads(json.dumps({**found, "path": None}))
    return plain


def without_names(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network's provenance without the names of files."""
    found = {key: value for key, value in provenance.items() if key not in ("model", "file")}
    return with_each(found, without_names)


def is_done(target: Path, entry: Entry | None, key: Mapping[str, Any], *, overwrite: bool) -> bool:
    """Return whether the result exists and was computed from the same source by the same run.

    Raises
    ------
    FileError
        If the target exists but must not be replaced.
    """
    from napari_sr.streaming.journal import differences

    now = stamp_of(target)
    if now is None:
        return False
    if entry is None:
        raise FileError(
            f"{target} exists, but was not written by a run over this folder: move it elsewhere "
            "first"
        )
    if _is_unfinished(target):
        return False
    changed = differences(entry.made(now) or {}, key)
    if changed and not overwrite:
        raise FileError(
            f"{target} was computed differently: {'; '.join(changed)} (--overwrite computes it "
            "again)"
        )
    return not changed


def _is_unfinished(target: Path) -> bool:
    """Return whether the target is an OME-Zarr of ours that still lacks blocks."""
    from napari_sr.files.ome_zarr.block_writer import OURS
    from napari_sr.files.ome_zarr.documents import read_node
    from napari_sr.streaming.journal import Journal

    if not target.is_dir():
        return False
    node = read_node(target)
    ours = None if node is None else node.attributes.get(OURS)
    complete = ours.get("complete", True) if isinstance(ours, dict) else True
    return Journal(target).exists or not complete
