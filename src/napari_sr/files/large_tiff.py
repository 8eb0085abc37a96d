"""Write a TIFF of any size with its pyramid, tile by tile; its pixels are read window by window.

Tiles of 512 x 512 pixels are compressed with deflate, and integers also with the horizontal
predictor. All programs that read TIFFs with libtiff or Bio-Formats support both, unlike Zstandard
and the predictor for floats. Coarser levels are SubIFDs, as OME-TIFF defines them. An image that
OME cannot hold becomes a plain TIFF of the finest level, because readers would treat coarser levels
as separate images.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import tifffile

from napari_sr.atomic_write import atomic_write
from napari_sr.files.geotiff import enlarged_tags
from napari_sr.files.image import FileError
from napari_sr.files.lazy_tiff import PROFILE, TAGS
from napari_sr.files.ome import AXES
from napari_sr.files.ome_places import ome_metadata
from napari_sr.files.place import check_space
from napari_sr.files.samples import multiplied
from napari_sr.files.tiff_writer import CLASSIC_LIMIT, OME_TYPES, record_tags
from napari_sr.files.tiled_level import READ, TILE, Level
from napari_sr.files.units import METRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.files.lazy_image import LazyImage


FAST = 1
"""Compression level. On noisy uint16, level 1 is 1.8 times as fast as level 6, at equal size."""


class _CancelledError(Exception):
    """The caller wants no more tiles."""


def fits_ome(axes: str, dtype: Any, samples: str = "") -> bool:
    """Return whether OME-TIFF can hold pixels of these axes and this type."""
    looped = set(axes) - {"Y", "X", samples}
    return looped <= set(AXES) and np.dtype(dtype) in [np.dtype(kind) for kind in OME_TYPES]


def write_large_tiff(
    target: Path,
    levels: Sequence[ArrayLike],
    axes: str,
    image: LazyImage,
    scale: float,
    software: str,
) -> Iterator[tuple[int, int]]:
    """Write a pyramid as a tiled TIFF: BigTIFF if it is large, OME-TIFF if that can hold it.

    If OME-TIFF cannot hold the image (see `fits_ome`), the file holds the first level only.

    `target` appears only when the file is complete. If the generator is closed early, no file
    remains.

    Parameters
    ----------
    target : Path
        The file.
    levels : sequence of array
        The enlarged image, and its coarser levels with the same number of planes. They are read
        window by window.
    axes : str
        One letter per axis of each level. The colour axis is S, or C if `image` has an axis S.
    image : LazyImage
        The source, whose metadata are written.
    scale : float
        Enlargement of the first level along Y and X.
    software : str
        The software that computed the pixels, in ASCII.

    Yields
    ------
    (done, total) : int, int
        Number of tiles written so far, and of all tiles.

    Raises
    ------
    FileError
        If the disk has no room for the file, or the file cannot be written.
    ValueError
        If the levels differ in planes or type.
    """
    found = _levels(levels, axes, image)
    check_space(target, sum(_stored(level) for level in found))
    steps: SimpleQueue[int | None] = SimpleQueue()
    stopped, asked, total = Event(), Event(), sum(level.count for level in found)

    def work() -> None:
        try:
            with atomic_write(target) as file:
                _write(file, found, image, scale, software, _Tiles(steps, stopped))
                steps.put(None)
                asked.wait()  # the caller may still cancel after the last tile
                if stopped.is_set():
                    raise _CancelledError
        finally:
            steps.put(None)

    with ThreadPoolExecutor(1) as pool:
        try:
            future = pool.submit(work)
            while (done := steps.get()) is not None:
                yield done, total
            asked.set()
            future.result()
        except (OSError, RuntimeError) as error:  # codecs raise RuntimeErrors
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"{target} could not be written: {reason}") from error
        finally:
            stopped.set()
            asked.set()


def _levels(levels: Sequence[ArrayLike], axes: str, image: LazyImage) -> list[Level]:
    samples = "S" if "S" in axes else "C" if image.axes.endswith("S") and "C" in axes else ""
    found = [Level(array, axes, samples) for array in levels]
    first = found[0]
    others = first.looped + samples
    for level in found:
        same = level.length(others) == first.length(others)
        if not same or np.dtype(level.array.dtype) != np.dtype(first.array.dtype):
            raise ValueError(
                "all levels must have the planes and the type of the first one, "
                f"{first.array.dtype} {first.array.shape}, got {level.array.dtype} "
                f"{level.array.shape}"
            )
    return found if fits_ome(axes, first.array.dtype, samples) else found[:1]


def _stored(level: Level) -> int:
    """Return the stored size of a level in bytes; if unknown, half the size of its pixels."""
    size = getattr(level.array, "nbytes_stored", None)
    return int(size()) if callable(size) else level.nbytes // 2


class _Tiles:
    """Passes tiles to tifffile, and counts them.

    Parameters
    ----------
    steps : SimpleQueue
        Receives the number of tiles passed so far, once per tile.
    stopped : Event
        Set when no more tiles are wanted.
    """

    def __init__(self, steps: SimpleQueue[int | None], stopped: Event) -> None:
        self._steps, self._stopped, self._done = steps, stopped, 0

    def of(self, level: Level, image: LazyImage) -> Iterator[NDArray[Any]]:
        """Yield the tiles of a level, with values stored as in the source."""
        associated = image.associated and level.length(level.samples) == (4,)
        for tile in level.tiles():
            if self._stopped.is_set():
                raise _CancelledError
            self._done += 1
            self._steps.put(self._done)  # before `yield`, so that the last tile counts, too
            # colours of the result may exceed alpha even if those of the source do not
            yield multiplied(tile, image.significant_bits, bounded=False) if associated else tile


def _write(
    file: BinaryIO,
    levels: list[Level],
    image: LazyImage,
    scale: float,
    software: str,
    tiles: _Tiles,
) -> None:
    first = levels[0]
    kind = np.dtype(first.array.dtype)
    ome = fits_ome(first.axes, kind, first.samples)
    axes = {"axes": first.looped + "YX" + ("S" if first.samples else "")}
    options: dict[str, Any] = {
        "dtype": kind, "tile": (TILE, TILE), "compression": "zlib",
        "compressionargs": {"level": FAST}, "maxworkers": os.cpu_count(), "buffersize": READ,
        "predictor": kind.kind in "iu" and kind.itemsize <= 4,
        **_colour(first, image),
    }  # fmt: skip
    told = _told(image, scale, first.looped if ome else None) | {"software": software}
    told["metadata"] = {"Creator": software, **told["metadata"], **axes} if ome else axes
    big = sum(level.nbytes for level in levels) > CLASSIC_LIMIT
    with tifffile.TiffWriter(file, bigtiff=big, ome=ome) as writer:
        writer.write(
            tiles.of(first, image), shape=first.shape, subifds=len(levels) - 1, **options, **told
        )
        for level in levels[1:]:
            shown = tiles.of(level, image)
            writer.write(shown, shape=level.shape, subfiletype=1, metadata=None, **options)


def _told(image: LazyImage, scale: float, looped: str | None) -> dict[str, Any]:
    """Return the first level's tags, and OME metadata if `looped`, the axes of planes, is given."""
    places = image.enlarged_places(scale)
    tags = enlarged_tags(image.details.get(TAGS, {}), scale)
    return {
        "metadata": {} if looped is None else ome_metadata(image, places, looped),
        "iccprofile": image.details.get(PROFILE),
        "extratags": [
            *record_tags(image.record),
            *((tag, *value, True) for tag, value in tags.items()),
        ],
        **_resolution(places),
    }


def _colour(level: Level, image: LazyImage) -> dict[str, Any]:
    if not level.samples:
        return {"photometric": "minisblack"}
    kind = "assocalpha" if image.associated else "unassalpha"
    alpha = {"extrasamples": [kind]} if level.length(level.samples) == (4,) else {}
    return {"photometric": "rgb", "planarconfig": "contig", **alpha}


def _resolution(places: Any) -> dict[str, Any]:
    """Return pixels per centimetre, if the size of a pixel is known."""
    sizes = [abs(places[letter].size) * METRES.get(places[letter].unit, 0) * 100
             for letter in "XY" if letter in places]  # fmt: skip
    if len(sizes) < 2 or not all(sizes):
        return {}
    return {"resolution": tuple(1 / size for size in sizes), "resolutionunit": 3}
