"""Small sources and requests for tests of runs by blocks."""

from __future__ import annotations

import numpy as np
import tifffile

from napari_sr.engine.execution.block_reader import BlockReader
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.blocks import BlockGrid
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.streaming.result import FileRequest, compute, finish, missing, start

SETTINGS = Settings(device="cpu", engine="torch")


class Counting:
    """An array that remembers the size of everything that is read from it."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.read = []

    def __getitem__(self, index):
        part = self.pixels[index]
        self.read.append(part.size)
        return part


def reader_of(pixels, side=16, margin=3, reach=3, axes=None):
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    return BlockReader(pixels, BlockGrid(layout, side, side, margin), reach)


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
