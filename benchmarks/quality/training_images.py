"""Collect the real images on which `micrograph` is trained, and those that are held out.

    python benchmarks/quality/training_images.py PACKAGES TARGET

PACKAGES is the folder of unpacked packages that `real_images.py` describes. TARGET gets the folders
`real_microscopy` and `real_held_out` of 16-bit TIFF files. Most images are halved first: their
truth must not have noise, because a network would learn to keep it. Whole images are held out.

Symbols: T frames, H x W pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from real_images import SETS, binned

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 65_535
ENDS = (0.1, 99.9)
"""Percentiles of an image that become black and white."""


@dataclass(frozen=True)
class Use:
    """How images of a set are used."""

    halved: bool
    """Whether the means of 2 x 2 pixels are used instead of the pixels."""
    frames: int
    """Number of frames, evenly spread over a series."""
    mean_of: int = 1
    """Number of consecutive frames whose mean is used, to remove their noise."""
    held_out: bool = False


USES = (
    ("cell, bright field", (), Use(halved=False, frames=1)),
    ("nuclei, widefield", (), Use(halved=False, frames=1)),
    ("TERRA spots", (), Use(halved=True, frames=1)),
    ("nuclei, time lapse", (), Use(halved=True, frames=3)),
    ("skin, stained", (), Use(halved=True, frames=1)),
    ("E. coli, widefield", (0,), Use(halved=False, frames=3)),
    ("E. coli, widefield", (2,), Use(halved=False, frames=3, held_out=True)),
    ("HybISS spots", (), Use(halved=True, frames=1, held_out=True)),
    ("immunohistochemistry", (), Use(halved=True, frames=1, held_out=True)),
    ("nuclei, many", (), Use(halved=True, frames=1, held_out=True)),
    ("telomeres", (), Use(halved=False, frames=2, mean_of=5, held_out=True)),
)
"""Name and index of the used sets of `real_images.SETS`, and their use."""


def images(stack: NDArray[Any], use: Use) -> list[NDArray[np.uint16]]:
    """Return the images of a stack, (T, H, W), with even sides and 16 bits."""
    last = len(stack) - use.mean_of
    found = []
    for start in np.linspace(0, last, use.frames).astype(int):
        image = stack[start : start + use.mean_of].mean(axis=0)
        height, width = (size // 2 * 2 for size in image.shape)
        image = image[:height, :width]
        image = binned(image) if use.halved else image
        low, high = np.percentile(image, ENDS)
        share = ((image - low) / (high - low)).clip(0, 1)
        found.append(np.rint(share * WHITE).astype(np.uint16))
    return found


def main() -> None:
    """Read the command line, and write the images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder of unpacked packages")
    parser.add_argument("target", type=Path, help="folder to write")
    given = parser.parse_args()
    for one in SETS:
        use = next((use for *known, use in USES if known == [one.name, one.index]), None)
        if use is None:
            continue
        stack = one.stack(given.packages)
        if stack is None:
            parser.error(f"there is no {one.file} in {given.packages}")
        folder = given.target / ("real_held_out" if use.held_out else "real_microscopy")
        folder.mkdir(parents=True, exist_ok=True)
        name = "-".join(filter(str.isalnum, one.name.replace(",", "").replace(".", "").split()))
        for number, image in enumerate(images(stack, use)):
            tifffile.imwrite(folder / f"{name}-{number}.tif", image)
            print(folder.name, name, number, image.shape, one.source)


if __name__ == "__main__":
    main()
