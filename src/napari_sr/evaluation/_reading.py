"""Read the image files of test and training sets, as single grey or RGB planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.files.formats import SUFFIXES, read
from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def image_files(folder: Path) -> list[Path]:
    """Return the PNG, JPEG and TIFF files of a folder in alphabetical order.

    Raises
    ------
    FileError
        If the path is not a folder, or the folder contains no images.
    """
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{folder} is not a folder: give a folder of images (unpack archives)")
    if not folder.is_dir():
        raise FileError(f"there is no folder {folder}")
    found = sorted(path for path in folder.iterdir() if _is_image(path))
    if not found:
        raise FileError(f"{folder} contains no images: no name ends in {', '.join(SUFFIXES)}")
    return found


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def read_image(path: Path) -> NDArray[Any]:
    """Return an image as (H, W) grey or (H, W, 3) RGB in the file's data type.

    Alpha is dropped, and black is zero.

    Raises
    ------
    FileError
        If the file is missing or damaged, or contains more than one plane.
    """
    return read_plane(path)[0]


def read_plane(path: Path) -> tuple[NDArray[Any], float | None]:
    """Return an image as from `read_image`, and the value of white if the file defines it.

    Returns
    -------
    image : array
        (H, W) grey or (H, W, 3) RGB.
    white : float or None
        For example, 4095 if the file declares 12 used bits; None for the type's largest value.

    Raises
    ------
    FileError
        If the file is missing or damaged, or contains more than one plane.
    """
    image = read(path)
    pixels, colour = image.as_shown(), image.colour
    if image.grey_alpha:
        pixels, colour = pixels[..., 0], False
    elif colour:
        pixels = pixels[..., :3]
    looped = pixels.shape[: pixels.ndim - (3 if colour else 2)]
    if any(size != 1 for size in looped):
        raise FileError(
            f"{path} must contain one plane, got axes {image.axes} of shape {image.pixels.shape}"
        )
    plane = pixels.reshape(pixels.shape[len(looped) :])
    return plane, None if image.significant_bits is None else image.white
