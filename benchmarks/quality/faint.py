"""Measure the PSNR of networks and interpolation on images that fill only a part of their range.

    python benchmarks/quality/faint.py DATA/Set5/HR

Images are converted to grey (the mean of RGB), shrunk as MATLAB does, and stored in uint16 with 16,
14, 12 or 10 used bits. PSNR is in dB relative to each image's own white. Prints Markdown.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from statistics import mean

import numpy as np

from napari_sr import load, upscale
from napari_sr.engine.image.faint import FaintImageWarning
from napari_sr.evaluation import imresize, psnr
from napari_sr.training.data.folder import Reading, files_of

SCALE, WHITE = 2, 65_535
BITS = (16, 14, 12, 10)


def main(folder: Path, models: list[str]) -> None:
    """Print the table."""
    warnings.simplefilter("ignore", FaintImageWarning)
    networks = {name: load(name, SCALE) for name in ("bicubic", *models)}
    pictures = [one for file in files_of(folder) for one in Reading(grey=True).pictures(file)]
    print("| bits | " + " | ".join(networks) + " |\n" + "|---" * (len(networks) + 1) + "|")
    for bits in BITS:
        scores: dict[str, list[float]] = {name: [] for name in networks}
        for picture in pictures:
            rows, columns = picture.height // SCALE * SCALE, picture.width // SCALE * SCALE
            large = picture.whole()[0, :rows, :columns].numpy()
            gain = 2.0 ** (bits - 16)
            small = np.rint(imresize(large, 1 / SCALE).clip(0, 1) * gain * WHITE).astype(np.uint16)
            for name, network in networks.items():
                result = upscale(small, network, device="cpu", border="zeros") / (gain * WHITE)
                scores[name].append(psnr(result.clip(0, 1), large, border=SCALE))
        print(f"| {bits} | " + " | ".join(f"{mean(one):.2f}" for one in scores.values()) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["fsrcnn"])
