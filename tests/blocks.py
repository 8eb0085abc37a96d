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


def two_files(folder, pixels):
    """Write an OME-TIFF of two planes, (2, Y, X) of uint16, into two files; return their paths."""
    height, width = pixels.shape[1:]
    planes = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(2)
    )
    paths = []
    for z in range(2):
        xml = (
            f'<?xml version="1.0" encoding="UTF-8"?><OME UUID="urn:uuid:{z}" '
            'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
            '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
            f'SizeX="{width}" SizeY="{height}" SizeZ="2" SizeC="1" SizeT="1">'
            f'<Channel ID="Channel:0:0"/>{planes}</Pixels></Image></OME>'
        )
        paths.append(folder / f"{z}.ome.tif")
        tifffile.imwrite(paths[-1], pixels[z], metadata=None, description=xml.encode())
    return paths


def request_of(source, result, settings=SETTINGS, **more):
    return FileRequest(source, result, ModelReference(), settings, **more)


def run(request, numbers=None):
    """Compute a result to its end, or only some of its blocks."""
    start(request)
    drive(compute(request.result, missing(request.result) if numbers is None else numbers))
    if numbers is None:
        finish(request.result)
