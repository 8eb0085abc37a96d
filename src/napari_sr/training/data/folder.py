"""Folders of training images: PNG, JPEG and TIFF files, and NumPy's .npy arrays.

All files are decoded before training starts, so a broken file is reported at once. Decoded images
are kept in memory up to a limit; the others are decoded again for every crop.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.image.plane_values import ValueRange
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.layers.resize import imresize
from napari_sr.training.data.pictures import Declared, Picture, of_array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ARRAY = ".npy"
MEMORY = 4 << 30
"""Default limit in bytes for decoded images in memory."""
BYTE, SHORT = 255, 65_535
"""The values of white in 8 and 16 bits; RGB converted to grey has 16 bits."""
GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey of the full range, from BT.601."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """Settings for reading files as pictures."""

    value_range: Declared = None
    """The values of black and white, if the file's type does not define them."""
    grey: bool = False
    """Whether to convert colours to grey, with full range and 16 bits."""
    sizes: tuple[float, ...] = (1.0,)
    """Sizes at which each image is used: 0.5 halves its height and width."""

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises
        ------
        ValueError
            If no size is given, or a size is not above 0 and at most 1.
        """
        if not self.sizes or not all(0 < size <= 1 for size in self.sizes):
            raise ValueError(f"sizes must be above 0 and at most 1, got {self.sizes}")

    def pictures(self, path: Path) -> list[Picture]:
        """Decode one file, and return its planes at every size.

        Raises
        ------
        ValueError
            If the file cannot be read or is not an image; the message names file and reason.
        """
        planes = self.planes(path)
        return [_resized(plane, size) for size in self.sizes for plane in planes]

    def planes(self, path: Path) -> list[Picture]:
        """Decode one file, and return its planes at full size."""
        planes = _planes(path, self.value_range)
        return [_grey(plane) for plane in planes] if self.grey else planes

    def again(self, path: Path, number: int, rows: slice, columns: slice) -> NDArray[Any]:
        """Decode a file again, and return rows and columns of its picture with this number."""
        planes = self.planes(path)
        size = self.sizes[number // len(planes)]
        return _resized(planes[number % len(planes)], size).read(rows, columns)


def of_folder(path: Path, reading: Reading | None = None, *, memory: int = MEMORY) -> list[Picture]:
    """Read the images of a folder in alphabetical order, or one image.

    Parameters
    ----------
    path : Path
        A folder, whose subfolders are not read; or a file.
    reading : Reading, optional
        The settings; by default, colours are kept, and images have full size.
    memory : int
        Bytes of decoded images to keep.

    Raises
    ------
    ValueError
        If the path does not exist or contains no images, or an image is broken or of a wrong type.
    """
    reading = reading or Reading()
    files = files_of(path)
    pictures: list[Picture] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        # a few at a time, because decoded images take memory
        for few in (files[start : start + 32] for start in range(0, len(files), 32)):
            for file, found in zip(few, pool.map(reading.pictures, few), strict=True):
                for number, picture in enumerate(found):
                    pixels = picture.read(slice(0, picture.height), slice(0, picture.width))
                    picture.check(pixels)
                    memory -= pixels.nbytes
                    again = partial(reading.again, file, number)
                    read = partial(_cut, np.ascontiguousarray(pixels)) if memory >= 0 else again
                    pictures.append(replace(picture, read=read))
    if memory < 0:
        logger.info(
            "%s: %d MB of images do not fit into memory, and are decoded for every crop",
            path,
            -memory >> 20,
        )
    return pictures


def files_of(path: Path) -> list[Path]:
    """Return the image files in a folder in alphabetical order, or the file itself.

    Raises
    ------
    ValueError
        If the path does not exist or contains no images.
    """
    from napari_sr.files.formats import SUFFIXES

    known = (*SUFFIXES, ARRAY)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"there is no folder or file of training images {path}")
    inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in inside if entry.is_file() and entry.suffix.lower() in known]
    if not files:
        kinds = ", ".join(known)
        if not inside:
            raise ValueError(f"the folder {path} is empty: it needs images ({kinds})")
        some = ", ".join(entry.name + "/" * entry.is_dir() for entry in inside[:3])
        raise ValueError(f"the folder {path} needs images ({kinds}), got {some}")
    return files


def _planes(path: Path, value_range: Declared) -> list[Picture]:
    if path.suffix.lower() == ARRAY:
        return of_array(_stored(path), name=str(path), value_range=value_range)
    from napari_sr.files import formats

    image = formats.read(path)
    for note in image.notes:
        logger.info("%s: %s", path, note)
    pixels, axes = image.pixels, image.axes
    if image.grey_alpha:
        pixels, axes = image.as_shown()[..., 0], axes[:-1]
    if value_range is None:
        value_range = image.default_range()
    elif not isinstance(value_range, Percentiles):
        value_range = image.shown_range(value_range)
    return of_array(pixels, name=str(path), axes=axes, value_range=value_range)


def _stored(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as an array: {error}") from error
    return array


def _grey(picture: Picture) -> Picture:
    if picture.channels == 1:
        return picture
    shares = torch.tensor(GREY)[:, None, None]
    grey = (picture.whole() * shares).sum(0)
    if picture.steps is None:
        return _in_memory(picture, grey.numpy(), ValueRange(0.0, 1.0), None)
    pixels = (grey * SHORT).round().numpy().astype(np.uint16)
    return _in_memory(picture, pixels, ValueRange(0.0, float(SHORT)), SHORT)


def _resized(picture: Picture, size: float) -> Picture:
    """Resize as MATLAB does. Full-range integers keep their type; other types become float32."""
    if size == 1:
        return picture
    white = picture.steps
    resized = picture.whole()
    resized = imresize(resized if white is None else (resized * white).round(), size, largest=white)
    name = f"{picture.name} at {size:g}"
    pixels = resized.permute(1, 2, 0).numpy() if picture.channels == 3 else resized[0].numpy()
    if white is not None:
        pixels = pixels.astype(np.uint8 if white == BYTE else np.uint16)
        values = ValueRange(0.0, float(white))
        return _in_memory(replace(picture, name=name), pixels, values, white)
    return _in_memory(replace(picture, name=name), pixels, ValueRange(0.0, 1.0), None)


def _in_memory(
    picture: Picture, pixels: NDArray[Any], values: ValueRange, steps: int | None
) -> Picture:
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else 3
    return Picture(picture.name, height, width, channels, values, steps, read=partial(_cut, pixels))


def _cut(pixels: NDArray[Any], rows: slice, columns: slice) -> NDArray[Any]:
    return pixels[rows, columns]
