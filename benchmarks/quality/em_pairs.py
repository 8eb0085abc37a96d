"""Make pairs for the recipes `em-x2` and `em-x4` from noisy electron micrographs.

    python benchmarks/quality/em_pairs.py PACKAGES TARGET

PACKAGES is the folder of unpacked packages that `real_images.py` describes; only napari-pssr is
needed. TARGET gets folders of 16-bit TIFF files: `em_hr_x2` and `em_lr_x2`, `em_hr_x4` and
`em_lr_x4`. The last image, `HELD_OUT`, is left out of them.

No image without noise exists, so both images of a pair have noise, but independent noise: noise of
the same covariance is added to the image, then halved or quartered to become the LR image, and
subtracted, scaled, to become the HR image (recorruption: Pang et al., CVPR 2021; see
`napari_sr.training.data.recorruption`, which assumes white noise). On average, a network that
learns from such pairs learns the image without noise.

The noise of these images is not white: neighbours have a correlation of 0.3 to 0.4. Its covariance
is measured in the flattest patches, where the contents hardly matter.

Pairs of constant images are added, because without them, a network shifts the values of flat areas,
above all of black and of white.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch

from napari_sr.layers.resize import imresize

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE, BYTE = 65_535, 255
FILES = "8nm_em_sample/*.tif"
HELD_OUT = 5
"""Number of the image that is not used for training."""
PATCH, FLATTEST, REACH = 24, 100, 4
"""Side of the patches whose noise is measured, their number, and the largest distance, in pixels,
over which noise is correlated."""
STRENGTH = 0.7
"""Noise added to the LR image, relative to that of the image."""
SIZES = (1, 2, 4)
"""Image pixels along a side of an HR pixel: 8, 16 and 32 nm."""
SIDE = 1536
"""Largest side of an HR image; larger ones are cut at random."""
DRAWS = 6
"""Pairs of each image and size."""
CONTRAST = (0.5, 1.1)
"""Factor of the contrast, about the middle of the range."""
INVERTED, INTERPOLATED, WITHOUT = 0.25, 0.25, 0.5
"""Shares of the pairs that are inverted; whose LR image is made by bicubic interpolation instead of
binning; and that have no further noise."""
LEVEL = (0.01, 0.12)
"""Standard deviation of further noise in LR images, where white is 1; drawn log-uniformly."""
CONSTANTS, CONSTANT_SIDE = 48, 512
"""Number of pairs of constant images for each scale, and the side of their HR images: with them,
about a twelfth of all crops are constant."""
EXTREME = 0.4
"""Share of the constant images that are black or white."""
ROOM = 4
"""Smallest distance of a noisy constant from black and white, in standard deviations: files cut off
values beyond them, which would shift the mean."""


def covariance(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of noise at distances of 0 to `REACH` - 1 pixels down and across."""
    corners = [
        (top, left)
        for top in range(0, image.shape[0] - PATCH + 1, PATCH // 2)
        for left in range(0, image.shape[1] - PATCH + 1, PATCH // 2)
    ]

    def uneven(corner: tuple[int, int]) -> float:
        third = PATCH // 3
        patch = _patch(image, corner).reshape(3, third, 3, third)
        return float(patch.mean(axis=(1, 3)).std())

    found = np.zeros((REACH, REACH))
    for corner in sorted(corners, key=uneven)[:FLATTEST]:
        patch = _patch(image, corner)
        patch = patch - patch.mean()
        for down, across in np.ndindex(REACH, REACH):
            beside = patch[down:, across:] * patch[: PATCH - down, : PATCH - across]
            found[down, across] += beside.mean() / FLATTEST
    return found


def noise(
    shape: tuple[int, ...], covariances: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Return normal noise of (H, W) with these covariances, as `covariance` returns them."""
    around = np.zeros(shape)
    for down, across in np.ndindex(covariances.shape):
        around[[[down], [-down]], [across, -across]] = covariances[down, across]
    power = np.fft.rfft2(around).real.clip(0)
    white = np.fft.rfft2(random.standard_normal(shape))
    return np.fft.irfft2(white * np.sqrt(power), s=shape)


def binned(image: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the means of `size` x `size` pixels; rows and columns beyond a multiple are cut."""
    height, width = (side // size for side in image.shape)
    parts = image[: height * size, : width * size].reshape(height, size, width, size)
    found: NDArray[np.float64] = parts.mean(axis=(1, 3))
    return found


def recorrupted(
    image: NDArray[np.float64], covariances: NDArray[np.float64], random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an image twice, (H, W), with independent noise: for LR and for HR."""
    drawn = noise(image.shape, covariances, random)
    return image + STRENGTH * drawn, image - drawn / STRENGTH


def pair(
    image: NDArray[np.float64],
    covariances: NDArray[np.float64],
    scale: int,
    size: int,
    random: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an LR image, (H, W), and an HR image, (S * H, S * W), where white is 1."""
    sides = (min(side, SIDE * size) // (size * scale) * size * scale for side in image.shape)
    spans = []
    for side, whole in zip(sides, image.shape, strict=True):
        start = int(random.integers(whole - side + 1))
        spans.append(slice(start, start + side))
    source, target = recorrupted(image[tuple(spans)], covariances, random)
    hr, small = binned(target, size), binned(source, size)
    if random.random() < INTERPOLATED:
        lr = imresize(torch.from_numpy(small)[None, None], 1 / scale)[0, 0].numpy()
    else:
        lr = binned(small, scale)
    factor = random.uniform(*CONTRAST) * (-1 if random.random() < INVERTED else 1)
    lr, hr = (0.5 + factor * (one - 0.5) for one in (lr, hr))
    if random.random() >= WITHOUT:
        level = np.exp(random.uniform(*np.log(LEVEL)))
        lr = lr + level * random.standard_normal(lr.shape)
    return lr, hr


def constant_pair(
    scale: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an LR image and an HR image of one value, as `pair` does; the LR image may be noisy.

    Black and white have no noise.
    """
    if random.random() < EXTREME:
        value, level = float(random.integers(2)), 0.0
    else:
        value = random.random()
        level = np.exp(random.uniform(*np.log(LEVEL))) if random.random() >= WITHOUT else 0.0
        value = np.clip(value, ROOM * level, 1 - ROOM * level)
    side = CONSTANT_SIDE // scale
    lr = value + level * random.standard_normal((side, side))
    return lr, np.full((CONSTANT_SIDE, CONSTANT_SIDE), value)


def _patch(image: NDArray[np.float64], corner: tuple[int, int]) -> NDArray[np.float64]:
    top, left = corner
    return image[top : top + PATCH, left : left + PATCH]


def images(packages: Path) -> list[NDArray[np.float64]]:
    """Return all images, where white is 1."""
    return [tifffile.imread(path) / BYTE for path in sorted(packages.rglob(FILES))]


def main() -> None:
    """Read the command line, and write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder of unpacked packages")
    parser.add_argument("target", type=Path, help="folder to write")
    given = parser.parse_args()
    found = images(given.packages)
    if len(found) <= HELD_OUT:
        parser.error(f"there are {len(found)} of 6 files {FILES} in {given.packages}")
    for number, image in enumerate(found):
        if number == HELD_OUT:
            continue
        covariances = covariance(image)
        print(f"image {number}: noise {covariances[0, 0] ** 0.5:.4f}", flush=True)
        for scale, size, draw in ((s, z, k) for s in (2, 4) for z in SIZES for k in range(DRAWS)):
            random = np.random.default_rng((number, scale, size, draw))
            made = pair(image, covariances, scale, size, random)
            write(given.target, f"em-{number}-{size}-{draw}", scale, made)
    for scale, draw in ((s, k) for s in (2, 4) for k in range(CONSTANTS)):
        random = np.random.default_rng((len(found), scale, 0, draw))
        write(given.target, f"constant-{draw}", scale, constant_pair(scale, random))


def write(
    target: Path, name: str, scale: int, made: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> None:
    """Write a pair, where white is 1, into its two folders below `target`."""
    for kind, one in zip(("lr", "hr"), made, strict=True):
        folder = target / f"em_{kind}_x{scale}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.rint(one.clip(0, 1) * WHITE).astype(np.uint16)
        tifffile.imwrite(folder / f"{name}.tif", pixels)


if __name__ == "__main__":
    main()
