"""Error of networks at the border of the image, beyond which they see zeros.

    NAPARI_SR_WEIGHTS=../shared/weights python benchmarks/quality/border.py [MODEL ...]

The images are flat: 48 x 48 pixels, black, grey or white. So any difference from the middle of the
result is due to the border. Models: by default all available networks. Prints Markdown: the largest
difference in the outermost row or column of the result, of 255, and how many LR pixels from the
border the difference still exceeds 1.
"""

from __future__ import annotations

import sys

import numpy as np

from napari_sr import load, upscale
from napari_sr.zoo.download import local_path
from napari_sr.zoo.registry import entries

SIDE = 48
LEVELS = {"black": 0.0, "grey": 0.5, "white": 1.0}


def measure(model: str, level: float) -> tuple[float, int]:
    """Return the largest difference at the border, of 255, and its reach in LR pixels."""
    network = load(model)
    flat = np.full((SIDE, SIDE), level, np.float32)
    result = upscale(flat, network, device="cpu", outliers="keep")
    # some networks repeat a pattern of S x S pixels
    scale, middle = network.scale, network.scale * (SIDE // 2)
    pattern = result[middle : middle + scale, middle : middle + scale]
    off = 255 * np.abs(result - np.tile(pattern, (SIDE, SIDE)))
    outermost = max(float(edge.max()) for edge in (off[0], off[-1], off[:, 0], off[:, -1]))
    rows, columns = np.nonzero(off > 1)
    if not rows.size:
        return outermost, 0
    last = result.shape[0] - 1
    inside = np.minimum.reduce([rows, columns, last - rows, last - columns])
    return outermost, int(inside.max()) // scale + 1


def main(models: list[str]) -> None:
    """Print the table."""
    print("| model | " + " | ".join(f"{level}: off, px" for level in LEVELS) + " |")
    print("|---" * (len(LEVELS) + 1) + "|")
    for model in models:
        found = [measure(model, level) for level in LEVELS.values()]
        cells = (f"{off:.1f}, {reach}" for off, reach in found)
        print(f"| {model} | {' | '.join(cells)} |")


if __name__ == "__main__":
    known = [entry.name for entry in entries() if not entry.computed and local_path(entry)]
    main(sys.argv[1:] or known)
