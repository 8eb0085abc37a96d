"""Measure the error of networks at the border of the image, with zeros and with reflected pixels.

    NAPARI_SR_WEIGHTS=WEIGHTS python benchmarks/quality/border.py [MODEL ...]
    python benchmarks/quality/border.py --photographs DATA/Set14 MODEL ...
    python benchmarks/quality/border.py --seconds MODEL ...

MODEL may be repeated; by default, all available networks are measured. Prints Markdown.

Without an option, images are flat, 48 x 48 pixels, black, grey or white. So any difference from the
middle of the result is due to the border. The figures are the largest difference in the outermost
row or column of the result, on a scale of 255, and the distance from the border, in LR pixels, up
to which the difference exceeds 1; first with zeros, then with reflected pixels.

--photographs shows the PSNR in dB of the outermost 4 LR pixels of photographs: of whole files, and
of crops of 96 x 96 LR pixels from their middle. MATLAB's resizing made the files' LR images, and
itself reflected the photograph. Around a crop, the scene continues, as around a camera's image.

--seconds shows the processor time with reflected pixels divided by that with zeros. Both run
alternately in one process; the fastest turn of each counts, because other work only slows turns.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr import load, upscale
from napari_sr.evaluation._images import luma_of, unit_range
from napari_sr.evaluation.sets import ImageSet
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.zoo.download import local_path
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

SIDE = 48
LEVELS = {"black": 0.0, "grey": 0.5, "white": 1.0}
WAYS = ("zeros", "reflect")
"""Values of the option `border`."""
RING = 4
"""Width of the outermost part that is compared, in LR pixels."""
CROP, MARGIN = 96, 16
"""Side of a crop, and its distance from the edges of the file, in LR pixels."""
SIDES, TURNS = (256, 1024), 6


def measure(model: str, level: float, border: str = "zeros") -> tuple[float, int]:
    """Return the largest difference at the border, of 255, and up to where it exceeds 1."""
    network = load(model)
    flat = np.full((SIDE, SIDE), level, np.float32)
    result = upscale(flat, network, device="cpu", outliers="keep", border=border)
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


def flats(models: list[str]) -> None:
    """Print the table of flat images."""
    heads = [f"{level}: {way}" for level in LEVELS for way in ("zeros", "reflected")]
    print("| model | " + " | ".join(heads) + " |")
    print("|---" * (len(heads) + 1) + "|")
    for model in models:
        found = [measure(model, level, way) for level in LEVELS.values() for way in WAYS]
        cells = (f"{off:.1f}, {reach}" for off, reach in found)
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


def ring_psnr(network: Network, lr: NDArray[Any], hr: NDArray[Any], border: str) -> float:
    """Return the PSNR of luma in the outermost part, (H, W) or (H, W, 3) in 0..1, in dB."""
    ends = (0.0, 1.0)
    if network.channels == 1 and lr.ndim == 3:
        lr, hr, ends = luma_of(lr), luma_of(hr), (LUMA_OF_BLACK, LUMA_OF_WHITE)
    axes = "YX" if lr.ndim == 2 else "YXC"
    result = upscale(lr, network, axes=axes, value_range=ends, engine="torch", border=border)
    result = np.clip(result, *ends)
    if hr.ndim == 3:
        result, hr = luma_of(result), luma_of(hr)
    outside = np.ones(hr.shape, bool)
    width = RING * network.scale
    outside[width:-width, width:-width] = False
    return float(-10 * np.log10(np.square(result - hr)[outside].mean()))


def photographs(models: list[str], folder: str) -> None:
    """Print the table of photographs."""
    print("| model | file: zeros | reflected | crop: zeros | reflected |\n|---|---|---|---|---|")
    for model in models:
        network = load(model)
        scale, rows = network.scale, []
        for pair in ImageSet(folder).pairs(scale):  # type: ignore[arg-type]
            lr, hr = (unit_range(pixels, None) for pixels in (pair.lr, pair.hr))
            inside = slice(MARGIN, min(MARGIN + CROP, min(lr.shape[:2]) - MARGIN))
            large = slice(scale * inside.start, scale * inside.stop)
            images = ((lr, hr), (lr[inside, inside], hr[large, large]))
            rows.append([ring_psnr(network, *one, way) for one in images for way in WAYS])
        cells = (f"{figure:.2f}" for figure in np.mean(rows, axis=0))
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


def seconds(models: list[str]) -> None:
    """Print the table of times."""
    print("| model | " + " | ".join(f"{side} px" for side in SIDES) + " |\n|---|---|---|")
    for model in models:
        network, cells = load(model), []
        for side in SIDES:
            image = np.random.default_rng(0).random((side, side)).astype(np.float32)
            took: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(TURNS + 1):
                for way in WAYS:
                    began = time.process_time()
                    upscale(image, network, device="cpu", engine="torch", border=way)
                    took[way].append(time.process_time() - began)
            zeros, reflected = (min(took[way][1:]) for way in WAYS)
            cells.append(f"{reflected / zeros:.3f}")
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


def main(words: list[str]) -> None:
    """Print a table."""
    if words[:1] == ["--photographs"]:
        photographs(words[2:], words[1])
    elif words[:1] == ["--seconds"]:
        seconds(words[1:])
    else:
        known = [entry.name for entry in entries() if not entry.computed and local_path(entry)]
        flats(words or known)


if __name__ == "__main__":
    main(sys.argv[1:])
