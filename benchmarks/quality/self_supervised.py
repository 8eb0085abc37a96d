"""Learning from one noisy image alone, against bicubic interpolation and networks that ship.

    python benchmarks/quality/self_supervised.py [PACKAGES] [--minutes 1.5] [--start micrograph]

The four images of docs/noisy.md: one exposure of 256 x 256 pixels, made from a known image of
512 x 512 pixels. For each, a network is trained for `--minutes`; with the usual 1.5, this takes 6
minutes for all, and 7 to 8 with all results, on two cores. PACKAGES is the folder of unpacked
packages that `real_images.py` describes; without it, two more synthetic images replace the spots of
spotiflow.

PSNR in dB after the best linear fit, over the range from the 0.1th to the 99.9th percentile of the
truth. `--steps` trains for a number of steps instead, and then the time limits nothing: figures of
a busy computer and of an idle one agree, and the processor's time says how long the steps take.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.training.data.synthetic import WHITE, drawn
from napari_sr.training.finetuning.pacing import MOST_JUDGED, Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

MODELS = ("bicubic", "fsrcnn", "microscope", "micrograph")
SIDE, SEED = 512, 77
"""Side of the known images, and the seed of the synthetic ones."""
BLUR, SMOOTHED = 1.2, 1.2
"""Standard deviations in pixels: of the microscope's blur, and of the filter that smooths the real
images before they serve as known ones."""
BACKGROUND, READ_NOISE = 0.1, 1.5
"""Light in the dark, as a share of white; read noise per pixel of the known image, in photons."""
ENDS = (0.1, 99.9)
"""Percentiles that are black and white."""
BORDER = 4
"""Pixels of the result at each side that are not compared."""
UNLIMITED = 600.0
"""Minutes of a training whose number of steps is given."""


class Made(NamedTuple):
    """A noisy image and the image that it was made from."""

    name: str
    photons: int
    """Photons in a white pixel of the known image."""
    source: NDArray[np.float32]
    truth: NDArray[np.float64]


def images(packages: Path | None) -> Iterator[Made]:
    """Yield the four images."""
    yield made("synthetic, first", _synthetic(1000), 12)
    yield made("synthetic, third", _synthetic(1002), 50)
    if packages is None:
        yield made("synthetic, second", _synthetic(1001), 12)
        yield made("synthetic, fourth", _synthetic(1003), 3)
        return
    yield made("TERRA spots", _spots(packages, "img_terra_2d.tif"), 12)
    yield made("HybISS spots", _spots(packages, "img_hybiss_2d.tif"), 3)


def made(name: str, known: NDArray[np.float64], photons: int) -> Made:
    """Blur a known image, count photons, and average 2 x 2 pixels."""
    truth = gaussian_filter(known, BLUR).clip(0)
    random = np.random.default_rng(0)
    counts = random.poisson((truth + BACKGROUND) * photons)
    noisy = (counts + random.normal(0, READ_NOISE, truth.shape)) / photons - BACKGROUND
    binned = noisy.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    return Made(name, photons, binned.astype(np.float32), truth)


def _synthetic(number: int) -> NDArray[np.float64]:
    return drawn(SEED, number, SIDE) / float(WHITE)


def _spots(packages: Path, file: str) -> NDArray[np.float64]:
    path = next(iter(sorted(packages.rglob(file))), None)
    if path is None:
        raise SystemExit(f"{packages} must contain {file} of spotiflow 0.6.5; see real_images.py")
    pixels = gaussian_filter(tifffile.imread(path).astype(float), SMOOTHED)[:SIDE, :SIDE]
    low, high = np.percentile(pixels, ENDS)
    found: NDArray[np.float64] = (pixels - low) / (high - low)
    return found


def psnr(result: NDArray[Any], truth: NDArray[np.float64]) -> float:
    """Return the PSNR in dB of a result, (H, W), after the best linear fit."""
    inside = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
    x, y = np.asarray(result, float)[inside].ravel(), truth[inside].ravel()
    error = np.mean((np.polyval(np.polyfit(x, y, 1), x) - y) ** 2)
    low, high = np.percentile(truth[inside], ENDS)
    return float(10 * np.log10((high - low) ** 2 / error))


def row_of(one: Made, start: str, minutes: float) -> dict[str, Any]:
    """Train on an image; return PSNRs by method, and the steps and times of the training."""
    low, high = float(one.source.min()), float(one.source.max())
    usual: dict[str, Any] = {
        "axes": "YX",
        "device": "cpu",
        "value_range": (low, high),
        "outliers": "keep",
    }
    found: dict[str, Any] = {
        name: psnr(napari_sr.upscale(one.source, name, 2, **usual), one.truth) for name in MODELS
    }
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "learnt.safetensors"
        began, spent = time.perf_counter(), time.process_time()
        tuned = napari_sr.fine_tune(
            [one.source], start, 2, target, supervision="self", value_range=(low, high),
            minutes=minutes, device="cpu",
        )  # fmt: skip
        found |= {"seconds": time.perf_counter() - began, "processor": time.process_time() - spent}
        found |= {"steps": tuned.steps, "verdict": tuned.verdict}
        found["learnt"] = psnr(napari_sr.upscale(one.source, target, **usual), one.truth)
    return found


def fixed(steps: int) -> Callable[..., Any]:
    """Return a replacement of `Pacer.counts` that does not time, but takes this many steps."""

    def counts(pacer: Pacer, stopped: object) -> Generator[Any, None, tuple[int, int]]:
        pacer._take(pacer.sizes[0])
        yield from ()
        return steps, min(MOST_JUDGED, steps)

    return counts


def main() -> None:
    """Read the command line, and print a row for each image and the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, nargs="?", help="folder of real_images.py")
    parser.add_argument("--start", default="micrograph", help="network to start from")
    parser.add_argument("--minutes", type=float, default=1.5, help="training time per image")
    parser.add_argument("--steps", type=int, help="number of steps instead of a time")
    parser.add_argument("--only", help="only the image of this name, such as 'HybISS spots'")
    given = parser.parse_args()
    if given.steps:
        Pacer.counts = fixed(given.steps)  # type: ignore[method-assign]
        given.minutes = UNLIMITED
    heads = ["image", "photons", *MODELS, f"learnt, from {given.start}"]
    heads += ["steps", "s", "s of the processor"]
    print(f"| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|", flush=True)
    rows = []
    for one in images(given.packages):
        if given.only not in (None, one.name):
            continue
        row = row_of(one, given.start, given.minutes)
        rows.append(row)
        cells = [one.name, str(one.photons), *(f"{row[name]:.2f}" for name in (*MODELS, "learnt"))]
        cells += [f"{row[name]:.0f}" for name in ("steps", "seconds", "processor")]
        print(f"| {' | '.join(cells)} |  {row['verdict']}", flush=True)
    print("\nLearnt, over each method, in dB:")
    for name in MODELS:
        gains = [row["learnt"] - row[name] for row in rows]
        print(f"{name}: mean {np.mean(gains):+.2f}, least {min(gains):+.2f}")


if __name__ == "__main__":
    main()
