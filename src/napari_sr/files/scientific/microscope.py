"""Read files of Zeiss (CZI), Nikon (ND2) and Leica (LIF) with bioio's readers, as dask arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.identity import identity_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.scientific.needed import needed, reading
from napari_sr.files.windows import LazyArray, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

READERS = {".czi": "bioio_czi", ".nd2": "bioio_nd2", ".lif": "bioio_lif"}
"""The module that reads each kind of file."""
SUFFIXES = tuple(READERS)
STARTS = {b"ZISRAWFILE": ".czi", b"\xda\xce\xbe\x0a": ".nd2", b"\x70\0\0\0": ".lif"}
"""The first bytes of each kind of file."""


class DaskPixels(LazyArray):
    """The pixels of a dask array, computed window by window in the calling thread.

    Parameters
    ----------
    path : Path
        The file.
    suffix : str
        Its kind, a key of `READERS`.
    array : dask array
        The pixels.
    """

    def __init__(self, path: Path, suffix: str, array: Any) -> None:
        kind = np.dtype(array.dtype).newbyteorder("=")
        super().__init__(tuple(map(int, array.shape)), kind)
        self._path, self._suffix, self._array = path, suffix, array

    def _window(self, window: Window) -> NDArray[Any]:
        with reading(self._path, self._suffix[1:].upper()):
            pixels = np.asarray(self._array[window].compute(scheduler="synchronous"))
        return pixels.astype(self.dtype, copy=False)

    def __reduce__(self) -> tuple[Callable[[Path, str], Any], tuple[Path, str]]:
        return _pixels, (self._path, self._suffix)


def _pixels(path: Path, suffix: str) -> Any:
    return open_microscope(path, suffix).pixels


def open_microscope(path: Path, suffix: str, axes: str | None = None) -> LazyImage:
    """Open the first image in a microscope's file; its pixels are read where they are sliced.

    Parameters
    ----------
    path : Path
        The file.
    suffix : str
        Its kind, a key of `READERS`.
    axes : str, optional
        One letter per axis; by default, Y, X and the file's other axes that are longer than 1.

    Raises
    ------
    FileError
        If the reader is missing, or the file is damaged or of another kind.
    """
    kind = suffix[1:].upper()
    module = needed(READERS[suffix], kind)
    base = needed("bioio_base.exceptions", kind)
    with reading(path, kind, base.UnsupportedFileFormatError):
        reader = module.Reader(path)
        mosaic = "M" in reader.dims.order
        data = reader.mosaic_xarray_dask_data if mosaic else reader.xarray_dask_data
        stored = "".join(str(name) for name in data.dims)
        kept = [n for n, (letter, size) in enumerate(zip(stored, data.shape, strict=True))
                if size > 1 or letter in "YX"]  # fmt: skip
        index = tuple(slice(None) if axis in kept else 0 for axis in range(len(stored)))
        pixels = DaskPixels(path, suffix, data.data[index])
        letters = "".join(stored[axis] for axis in kept)
        return LazyImage(
            pixels,
            letters if axes is None else axes,
            identity_of(path, pixels.shape, pixels.dtype),
            places={k: place for k, place in _places(reader).items() if k in letters},
            channels=_channels(reader, letters, pixels.shape),
            name=path.stem,
            chunks=tuple(int(max(sizes)) for sizes in pixels._array.chunks),
            notes=tuple(_notes(reader)),
        )


def _places(reader: Any) -> dict[str, Axis]:
    """Return pixel sizes in micrometres, as bioio reads them, and the time interval in seconds."""
    scale = reader.scale
    places = {
        letter: Axis(float(size), 0.0, "micrometer")
        for letter, size in (("Z", scale.Z), ("Y", scale.Y), ("X", scale.X))
        if size is not None and math.isfinite(size) and size > 0
    }
    if scale.T is not None and math.isfinite(scale.T) and scale.T > 0:
        places["T"] = Axis(float(scale.T), 0.0, "second")
    return places


def _channels(reader: Any, letters: str, shape: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    names = reader.channel_names or []
    if "C" not in letters or len(names) != shape[letters.index("C")]:
        return ()
    return tuple({"label": str(name)} for name in names)


def _notes(reader: Any) -> Iterator[str]:
    scenes = list(reader.scenes)
    if len(scenes) > 1:
        told = ", ".join(map(repr, map(str, scenes[:4]))) + ", ..." * (len(scenes) > 4)
        yield f"it holds {len(scenes)} images ({told}); only the first is read"


def kind_of(start: bytes, path: Path) -> str | None:
    """Recognise the kind of a file by its first bytes; return a key of `READERS`, or None.

    Raises
    ------
    FileError
        If the file has the suffix of another kind.
    """
    found = next((kind for magic, kind in STARTS.items() if start.startswith(magic)), None)
    named = path.suffix.lower()
    if named in READERS and found != named:
        raise FileError(f"{path} is not a {named[1:].upper()} file: it begins with {start[:8]!r}")
    return found if found == named else None
