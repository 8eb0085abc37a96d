"""Split images into a part for training and a held-out band for validation.

Neighbouring planes of a stack are similar, so a held-out plane would be almost the same as a
training image. Instead, the same band of all planes is held out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import as_array
from napari_sr.training.data.pictures import Picture, of_array
from napari_sr.training.data.training_data import TrainingData

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_sr.training.finetuning.config import Image

MEMORY = 1 << 30
"""Largest number of bytes of lazy images that are kept in memory."""
SHARE = 5
"""1 / SHARE of the longer side is held out, from its middle."""
LEAST = 8
"""Smallest side of a crop and of a held-out band in LR pixels."""
LARGEST = 24
"""Largest side of a crop in LR pixels."""
JUDGED = 8
"""Largest number of validation planes, spread evenly."""


@dataclass(frozen=True)
class Split:
    """Training and validation images, and the size of crops that fits."""

    training_data: TrainingData
    crop: int
    """Side of a crop in LR pixels."""


def read(
    images: Sequence[Image], memory: int = MEMORY
) -> Generator[tuple[int, int], None, list[list[Picture]]]:
    """Read lazy images, and check all floats; yield planes done and planes in total.

    Parameters
    ----------
    images : sequence of Image
        The images, at least one.
    memory : int
        Bytes for all lazy images. If an image has more planes than fit, only evenly spread planes
        are used. A single plane that does not fit is read again for every crop.

    Returns
    -------
    list of list of Picture
        The planes of each image.

    Raises
    ------
    ValueError
        As `of_array` does, or if values are not finite; the message begins with the image's name.
    """
    if not images:
        raise ValueError("choose at least one training image, got none")
    images = [replace(image, array=as_array(image.array)) for image in images]
    planes = [
        _spread(
            of_array(image.array, name=image.name, axes=image.axes, value_range=image.value_range),
            image,
            memory // len(images),
        )
        for image in images
    ]
    total, done = sum(map(len, planes)), 0
    found: list[list[Picture]] = []
    for image, pictures in zip(images, planes, strict=True):
        found.append([])
        for picture in pictures:
            found[-1].append(_read(picture, image, memory))
            done += 1
            yield done, total
    return found


def _size(picture: Picture, image: Image) -> int:
    kind: np.dtype[Any] = np.dtype(image.array.dtype)
    return picture.height * picture.width * picture.channels * kind.itemsize


def _spread(pictures: list[Picture], image: Image, memory: int) -> list[Picture]:
    """Return the planes of an image that fit into memory."""
    if isinstance(image.array, np.ndarray):
        return pictures
    room = max(1, memory // _size(pictures[0], image))
    if len(pictures) <= room:
        return pictures
    return [pictures[(2 * k + 1) * len(pictures) // (2 * room)] for k in range(room)]


def _read(picture: Picture, image: Image, memory: int) -> Picture:
    lazy = not isinstance(image.array, np.ndarray)
    if lazy and _size(picture, image) > memory:
        return picture
    if not lazy and np.dtype(image.array.dtype).kind != "f":
        return picture
    block = picture.read(slice(0, picture.height), slice(0, picture.width))
    picture.check(block)
    return replace(picture, read=_reader(block)) if lazy else picture


def _reader(block: NDArray[Any]) -> Callable[[slice, slice], NDArray[Any]]:
    def read_part(rows: slice, columns: slice) -> NDArray[Any]:
        return block[rows, columns]

    return read_part


def hold_out(layers: Sequence[Sequence[Picture]], scale: int, largest: int = LARGEST) -> Split:
    """Split every plane into parts for training and a band for validation.

    Parameters
    ----------
    layers : sequence of sequence of Picture
        The planes of each image.
    scale : int
        Pixels of the images along a side of an LR pixel.
    largest : int
        Largest side of a crop in LR pixels.

    Raises
    ------
    ValueError
        If an image is too small; the message names its size and the needed size.
    """
    learnt: list[Picture] = []
    bands: list[Picture] = []
    crop = largest
    for pictures in layers:
        for picture in pictures:
            parts, band = parted(picture, LEAST * scale)
            widest = max(min(part.height, part.width) for part in parts)
            crop = min(crop, widest // scale)
            learnt += parts
            bands.append(band)
    count = min(JUDGED, len(bands))
    judged = [bands[(2 * k + 1) * len(bands) // (2 * count)] for k in range(count)]
    return Split(TrainingData(learnt, judged), crop)


def parted(picture: Picture, least: int) -> tuple[list[Picture], Picture]:
    """Return the training parts, each at least `least` pixels long, and the held-out band."""
    length = max(picture.height, picture.width)
    band = max(length // SHARE, least)
    before = (length - band) // 2
    if before < least:  # a band at the end leaves one larger part for training
        before = length - band
    if before < least or min(picture.height, picture.width) < least:
        raise ValueError(
            f"{picture.name} is too small for training and validation: it has "
            f"{picture.height} x {picture.width} pixels, and needs {2 * least} x {least}"
        )
    pieces = [(0, before), (before, before + band), (before + band, length)]
    first, held, last = (_piece(picture, start, stop) for start, stop in pieces)
    learnt = [part for part in (first, last) if part is not None]
    return [part for part in learnt if min(part.height, part.width) >= least], held or picture


def _piece(picture: Picture, start: int, stop: int) -> Picture | None:
    """Return the pixels from `start` to `stop` along the longer side, or None if there are none."""
    if start == stop:
        return None
    rows, columns = slice(0, picture.height), slice(0, picture.width)
    if picture.height >= picture.width:
        return picture.part(slice(start, stop), columns)
    return picture.part(rows, slice(start, stop))
