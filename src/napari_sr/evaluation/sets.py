"""Benchmark sets in folders: HR images, and the LR images for networks.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.evaluation._reading import image_files, read_plane
from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LARGE = ("HR", "GT", "original")
"""Possible names of the folder of HR images. If there is none, the images are in the set's
folder."""
SMALL = ("LR_matlab", "LR_bicubic", "LR", "LRbicx")
"""Possible names of the folder of LR images, which contains a folder "x2", "X2" or "2"."""
_SUFFIX = re.compile(r"(?:[_-](?:HR|SRF_\d|GT))+$|x\d$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """One image of a set."""

    name: str
    hr: NDArray[np.generic]
    """The true image, (S * H, S * W) or (S * H, S * W, 3), cropped at the bottom and right."""
    lr: NDArray[np.generic]
    """(H, W) or (H, W, 3), of the same type."""
    made: bool
    """Whether the LR image was made from the HR image by MATLAB's bicubic downscaling, because the
    set has no LR image."""
    white: float | None = None
    """The value of white in both images, if the HR file defines it; None for the type's largest
    value."""


@dataclass(frozen=True)
class ImageSet:
    """A folder of HR images, with or without LR images.

    Known layouts are `HR/` with `LR_matlab/x2/` or similar names (as in BasicSR and DIV2K),
    SelfExSR's `image_SRF_2/` with `..._HR.png` and `..._LR.png`, and a plain folder of images.
    Missing LR images are made by MATLAB's bicubic downscaling, as in most sets.
    """

    folder: Path
    """The set's folder; a leading "~" means the home folder."""

    def __post_init__(self) -> None:
        """Expand a leading "~", because some shells do not."""
        object.__setattr__(self, "folder", Path(os.path.expanduser(self.folder)))

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    def pairs(self, scale: int) -> Iterator[Pair]:
        """Yield every image in alphabetical order; images are read one at a time.

        Parameters
        ----------
        scale : int
            Size of HR images relative to LR images; at least 1.

        Raises
        ------
        FileError
            If there are no images, an image cannot be read, or an LR image does not fit.
        """
        if scale < 1:
            raise ValueError(f"the scale must be 1 or more, got {scale}")
        selfexsr = self.folder / f"image_SRF_{scale}"
        if selfexsr.is_dir():
            for path in image_files(selfexsr):
                if path.stem.endswith("_HR"):
                    yield _pair(path, path.with_stem(path.stem[:-2] + "LR"), scale)
            return
        lr = self._folder_of_lr(scale)
        hr = (self.folder / name for name in LARGE)
        for path in image_files(next((one for one in hr if one.is_dir()), self.folder)):
            yield _pair(path, lr and _found(lr, path, scale), scale)

    def _folder_of_lr(self, scale: int) -> Path | None:
        places = (
            self.folder / name / inner.format(scale)
            for name in SMALL
            for inner in ("x{}", "X{}", "{}")
        )
        return next((place for place in places if place.is_dir()), None)


def _found(folder: Path, hr: Path, scale: int) -> Path:
    """Return the file of an LR image: it has the HR image's name, possibly with the scale added."""
    names = (f"{hr.stem}x{scale}", f"{hr.stem}_LR", hr.stem)
    return next(
        (
            path
            for name in names
            for path in sorted(folder.glob(f"{_escaped(name)}.*"))
            if path.suffix.lower() == hr.suffix.lower()
        ),
        folder / hr.name,
    )


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _pair(hr: Path, lr: Path | None, scale: int) -> Pair:
    truth, white = read_plane(hr)
    height, width = (size // scale for size in truth.shape[:2])
    if not (height and width):
        raise FileError(
            f"{hr} is too small for a scale of {scale}: {truth.shape[0]} x {truth.shape[1]} px"
        )
    truth = truth[: height * scale, : width * scale]
    name = _SUFFIX.sub("", hr.stem) or hr.stem
    if lr is None:
        made = _shrunk_file(hr, truth, scale)
        made = made if white is None else np.minimum(made, np.array(white, made.dtype))
        return Pair(name, truth, made, made=True, white=white)
    pixels, _ = read_plane(lr)
    if pixels.shape != (height, width, *truth.shape[2:]) or pixels.dtype != truth.dtype:
        raise FileError(
            f"{lr} must be {truth.dtype} of shape {(height, width, *truth.shape[2:])} to fit {hr} "
            f"at x{scale}, got {pixels.dtype} of shape {pixels.shape}"
        )
    return Pair(name, truth, pixels, made=False, white=white)


def _shrunk_file(path: Path, truth: NDArray[Any], scale: int) -> NDArray[Any]:
    try:
        return shrunk(truth, scale)
    except ValueError as error:
        raise FileError(f"{path} cannot be downscaled: {error}") from error


def shrunk(image: NDArray[Any], scale: int) -> NDArray[Any]:
    """Return an image `scale` times smaller, by MATLAB's bicubic downscaling."""
    from napari_sr.evaluation._imresize import imresize  # imported here, because it imports torch

    return imresize(image, Fraction(1, scale))
