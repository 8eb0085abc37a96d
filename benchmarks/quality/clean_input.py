"""Learning "from noise" from clean images, where nothing must be lost, x2.

    python benchmarks/quality/clean_input.py PACKAGES DATA [--steps 150]

Twelve images without noise, or nearly so: two synthetic ones, six photographs of Set14 as grey, and
four real microscopy images that are halved first, so that little of their noise is left. Each is
the truth; the means of its 2 x 2 pixels are the image to learn from. PACKAGES is the folder of
`real_images.py`, DATA the one with Set14/HR. PSNR in dB as in `self_supervised.py`. `--steps 0`
leaves out learning.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from real_images import SETS, binned
from scipy.ndimage import gaussian_filter
from self_supervised import BLUR, MODELS, SEED, SIDE, UNLIMITED, fixed, psnr

import napari_sr
from napari_sr.training.data.synthetic import WHITE, drawn
from napari_sr.training.finetuning.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SYNTHETIC = {1000: BLUR, 1002: 0.7}
"""Numbers of the synthetic images, and the standard deviation of their blur in pixels."""
PHOTOGRAPHS = ("baboon", "barbara", "comic", "flowers", "monarch", "zebra")
REAL = ("nuclei, confocal", "nuclei, widefield", "skin, stained", "immunohistochemistry")
LARGEST = 384
"""Largest side of a truth in pixels."""


def truths(packages: Path, data: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield names and truths, (2 * H, 2 * W), with black at 0 and white at 1."""
    for number, blur in SYNTHETIC.items():
        drawing = np.asarray(drawn(SEED, number, SIDE), float) / WHITE
        yield f"synthetic {number}", gaussian_filter(drawing, blur)[:LARGEST, :LARGEST]
    for name in PHOTOGRAPHS:
        with Image.open(data / "Set14" / "HR" / f"{name}.png") as picture:
            yield name, _within(np.asarray(picture.convert("L"), float))
    for one in SETS:
        planes = one.planes(packages) if one.name in REAL else None
        if planes is not None:
            height, width = (size // 4 * 4 for size in planes.shape[1:])
            yield one.name, _within(binned(np.asarray(planes[0, :height, :width], float)))


def _within(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the top left part, with even sides and values from 0 to 1."""
    height, width = (min(size // 2 * 2, LARGEST) for size in pixels.shape)
    part = pixels[:height, :width]
    found: NDArray[np.float64] = (part - part.min()) / np.ptp(part)
    return found


def row_of(truth: NDArray[np.float64], steps: int) -> dict[str, Any]:
    """Return PSNRs by method, and the verdict of the training."""
    source = binned(truth).astype(np.float32)
    low, high = float(source.min()), float(source.max())
    usual: dict[str, Any] = {"device": "cpu", "value_range": (low, high), "outliers": "keep"}
    usual["axes"] = "YX"
    found: dict[str, Any] = {
        name: psnr(napari_sr.upscale(source, name, 2, **usual), truth) for name in MODELS
    }
    if steps:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "learnt.safetensors"
            tuned = napari_sr.fine_tune(
                [source], "micrograph", 2, target, supervision="self", value_range=(low, high),
                minutes=UNLIMITED, device="cpu",
            )  # fmt: skip
            found["learnt"] = psnr(napari_sr.upscale(source, target, **usual), truth)
            found["verdict"] = tuned.verdict
    return found


def main() -> None:
    """Read the command line, and print a row for each image and the least differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder of real_images.py")
    parser.add_argument("data", type=Path, help="folder with Set14/HR")
    parser.add_argument("--steps", type=int, default=150, help="steps of learning; 0: none")
    given = parser.parse_args()
    if given.steps:
        Pacer.counts = fixed(given.steps)  # type: ignore[method-assign]
    names = [*MODELS, *(["learnt"] if given.steps else [])]
    print(f"| image | {' | '.join(names)} |\n{'| --- ' * (len(names) + 1)}|", flush=True)
    apart: dict[str, list[float]] = {name: [] for name in names[2:]}
    for name, truth in truths(given.packages, given.data):
        row = row_of(truth, given.steps)
        cells = " | ".join(f"{row[method]:.2f}" for method in names)
        print(f"| {name} | {cells} |  {row.get('verdict', '')}", flush=True)
        for method, own in apart.items():
            own.append(row[method] - max(row["bicubic"], row["fsrcnn"]))
    print("\nOver the better one of bicubic and fsrcnn, in dB:")
    for method, own in apart.items():
        print(f"{method}: mean {np.mean(own):+.2f}, least {min(own):+.2f}")


if __name__ == "__main__":
    main()
