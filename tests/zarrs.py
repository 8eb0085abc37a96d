"""Zarr images as other programs write them: made by hand, from JSON and compressed bytes."""

from __future__ import annotations

import itertools
import json

import numpy as np


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def group_2(folder, **attributes):
    """Write a group of Zarr 2."""
    write_json(folder / ".zgroup", {"zarr_format": 2})
    if attributes:
        write_json(folder / ".zattrs", attributes)
    return folder


def group_3(folder, **ome):
    """Write a group of Zarr 3 with attributes of OME-Zarr 0.5."""
    attributes = {"ome": {"version": "0.5", **ome}} if ome else {}
    document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    write_json(folder / "zarr.json", document)
    return folder


def array_2(folder, pixels, chunks, *, separator=".", codec=None, filters=None, **changes):
    """Write an array of Zarr 2, chunk by chunk; return the folder."""
    document = {
        "zarr_format": 2,
        "shape": pixels.shape,
        "chunks": chunks,
        "dtype": pixels.dtype.str,
        "compressor": None if codec is None else codec.get_config(),
        "fill_value": 0,
        "order": "C",
        "filters": filters,
        "dimension_separator": separator,
        **changes,
    }
    write_json(folder / ".zarray", document)
    counts = [-(-size // chunk) for size, chunk in zip(pixels.shape, chunks, strict=True)]
    for index in itertools.product(*map(range, counts)):
        whole = np.zeros(chunks, pixels.dtype)
        starts = [place * chunk for place, chunk in zip(index, chunks, strict=True)]
        part = pixels[tuple(slice(a, a + n) for a, n in zip(starts, chunks, strict=True))]
        whole[tuple(map(slice, part.shape))] = part
        path = folder / separator.join(map(str, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole.tobytes() if codec is None else bytes(codec.encode(whole)))
    return folder


def axes_named(letters, **units):
    """Return OME-Zarr's description of axes, by their names."""
    kinds = {"t": "time", "c": "channel"}
    return [
        {"name": name, "type": kinds.get(name, "space")}
        | ({"unit": units[name]} if name in units else {})
        for name in letters
    ]


def multiscales(letters, scale, *, path="0", translation=None, units=None, **more):
    """Return `multiscales` with one level."""
    transforms = [{"type": "scale", "scale": scale}]
    if translation is not None:
        transforms.append({"type": "translation", "translation": translation})
    dataset = {"path": path, "coordinateTransformations": transforms}
    return [{"axes": axes_named(letters, **(units or {})), "datasets": [dataset], **more}]
