"""Small sources and requests for tests of runs by blocks."""

from __future__ import annotations

import numpy as np
import tifffile

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.streaming.result import FileRequest, compute, finish, missing, start

SETTINGS = Settings(device="cpu", engine="torch")


def image_of(shape=(2, 150, 170), dtype="uint16", seed=0):
    """Return smooth pixels of all values."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    waves = np.sin(y / 9 + random.random((*shape[:-2], 1, 1))) * np.cos(x / 7)
    return ((waves + 1) / 2 * np.iinfo(dtype).max).astype(dtype)


def tiff_of(path, pixels, axes="ZYX", **metadata):
    """Write a TIFF; return its path."""
    tifffile.imwrite(
        path, pixels, ome=path.name.endswith(".ome.tif"), metadata={"axes": axes, **metadata}
    )
    return path


def request_of(source, result, settings=SETTINGS, **more):
    return FileRequest(source, result, ModelReference(), settings, **more)


def run(request, numbers=None):
    """Compute a result to its end, or only some of its blocks."""
    start(request)
    drive(compute(request.result, missing(request.result) if numbers is None else numbers))
    if numbers is None:
        finish(request.result)
