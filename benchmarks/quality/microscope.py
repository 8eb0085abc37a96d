"""Measure the quality of networks on microscope images at several light levels, x2 by default.

    python benchmarks/quality/microscope.py DATA --write benchmarks/quality/microscope.md
    python benchmarks/quality/microscope.py DATA --model runs/mine/mine.safetensors

There are two sets of images that were not used in training: Set5 and Set14 as grey from black to
white, and synthetic fluorescence with unused seeds. Both are blurred by the point spread function,
binned and recorded by a simulated camera (`napari_sr.training.data.microscope`). Only the light
level varies. Each result is compared with the original image:

* PSNR: in dB relative to white; `scale` pixels of border are left out;
* detail: the finest period, in pixels of the result, at which result and truth agree (Fourier ring
  correlation 1/7), as the median over images; invented detail does not agree with the truth;
* light: the sum of the result divided by the sum of the truth (1 is right);
* dim light: the same for dim blocks only. These have 16 x 16 pixels of the truth, with a mean below
  0.1 of white.

Symbols: H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from napari_sr import load, upscale
from napari_sr.evaluation import frc, psnr
from napari_sr.evaluation.picture import Panel, side_by_side
from napari_sr.training.data.camera import Camera
from napari_sr.training.data.folder import Reading, of_folder
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.optics import Optics
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.synthetic import SyntheticImages

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network
    from napari_sr.training.data.pictures import Picture

SETS = ("Set5", "Set14")
MODELS = ("bicubic", "lanczos", "fsrcnn", "edsr-slim", "microscope")
HOW: dict[str, Any] = {"device": "cpu", "outliers": "keep", "border": "zeros"}
"""Options of `upscale`: no pixels are reflected around the image, as in papers."""
PHOTONS = (30, 100, 300, 1000, 3000)
OPTICS = Optics(wavelength=0.52, aperture=0.8, pixel=0.2)
READ_NOISE = 1.6
SYNTHETIC, UNSEEN = 16, 1000
"""Number of synthetic images, and a seed that no recipe uses."""
BLOCK, DIM = 16, 0.1
SHOWN, SHOWN_PHOTONS, DETAIL = (1, 3), (30, 300), (20, 20)
"""Synthetic images in the picture, their photons, and top and left of the shown detail."""


@dataclass(frozen=True)
class Score:
    """Scores of one result."""

    psnr: float
    detail: float
    light: float
    dim: float | None
    """None if the image has no dim block."""


def blocks(image: NDArray[Any]) -> NDArray[Any]:
    """Return the means of blocks of (H, W); incomplete blocks at the end are left out."""
    height, width = (size // BLOCK * BLOCK for size in image.shape)
    tiles = image[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    means: NDArray[Any] = tiles.mean(axis=(1, 3))
    return means


def scored(result: NDArray[Any], truth: NDArray[Any], scale: int) -> Score:
    """Compare a result, (S * H, S * W), with the truth of the same size."""
    dim = blocks(truth) < DIM
    return Score(
        psnr(result.clip(0, 1), truth, border=scale),
        frc(result, truth).resolution,
        float(result.sum() / truth.sum()),
        float(blocks(result)[dim].sum() / blocks(truth)[dim].sum()) if dim.any() else None,
    )


def recorded(
    pictures: Sequence[Picture], photons: float, scale: int
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return the camera's LR images, (H, W), and the truths, in float32."""
    camera = Camera(photons=photons, read_noise=READ_NOISE)
    pairs = Pairs(pictures, Microscope(OPTICS, camera), scale=scale, channels=1, full_range=True)
    found = (pairs.whole(k, np.random.default_rng((UNSEEN, k))) for k in range(len(pairs)))
    return [(small[0].numpy(), large[0].numpy()) for small, large in found]


def row(network: Network, pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> list[Score]:
    """Score a network on pairs."""
    return [
        scored(upscale(small, network, axes="YX", **HOW), large, network.scale)
        for small, large in pairs
    ]


def pictures_of(sets: Path) -> dict[str, list[Picture]]:
    """Return the test images by the name of their set."""
    grey = Reading(grey=True)
    folders = [path / "HR" if (path / "HR").is_dir() else path for path in map(sets.joinpath, SETS)]
    return {
        "Set5 and Set14 as grey": [one for path in folders for one in of_folder(path, grey)],
        "synthetic fluorescence": SyntheticImages(SYNTHETIC, seed=UNSEEN).pictures(),
    }


def cells(scores: Sequence[Score]) -> str:
    """Return the figures of a table row."""
    dim = [one.dim for one in scores if one.dim is not None]
    return (
        f"{mean(one.psnr for one in scores):.2f} | {median(one.detail for one in scores):.2f} | "
        f"{mean(one.light for one in scores):.3f} | {f'{mean(dim):.3f}' if dim else '-'}"
    )


def table(sets: Path, models: Sequence[str], photons: Sequence[float], scale: int) -> list[str]:
    """Return lines of Markdown."""
    networks = {Path(name).stem: load(name, scale) for name in models}
    lines = []
    for kind, pictures in pictures_of(sets).items():
        lines += [f"## {kind[0].upper()}{kind[1:]}: {len(pictures)} images", ""]
        lines += ["| photons at white | model | PSNR, dB | detail, px | light | dim light |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        for count in photons:
            pairs = recorded(pictures, count, scale)
            for name, network in networks.items():
                lines.append(f"| {count} | {name} | {cells(row(network, pairs))} |")
        lines.append("")
    return lines


def picture(pictures: Sequence[Picture], models: Sequence[str], scale: int) -> Image.Image:
    """Return results for some synthetic images at two light levels, row by row."""
    networks = {Path(name).stem: load(name, scale) for name in models}
    rows = []
    for photons in SHOWN_PHOTONS:
        for index in SHOWN:
            ((small, large),) = recorded([pictures[index]], photons, scale)
            top = float(large.max())
            panels = [Panel(f"camera, {photons} photons", np.kron(small, np.ones((scale, scale))))]
            for name, network in networks.items():
                result = upscale(small, network, axes="YX", **HOW)
                panels.append(Panel(f"{name}, {scored(result, large, scale).psnr:.1f} dB", result))
            panels.append(Panel("truth", large))
            shown = [Panel(one.label, (one.image / top).clip(0, 1)) for one in panels]
            rows.append(side_by_side(shown[-1], shown, DETAIL, size=96, zoom=2))
    result = Image.new("RGB", (rows[0].width, sum(one.height for one in rows)), "white")
    for number, one in enumerate(rows):
        result.paste(one, (0, sum(above.height for above in rows[:number])))
    return result


def main() -> None:
    """Read the command line, score the models, print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", type=Path, help="folder with Set5/ and Set14/")
    parser.add_argument("--model", action="append", help="a name or a file; may be repeated")
    parser.add_argument("--photons", type=float, nargs="+", default=PHOTONS)
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--picture", type=Path, help="PNG file for a picture of some results")
    given = parser.parse_args()
    models = given.model or MODELS
    if given.picture is not None:
        synthetic = pictures_of(given.sets)["synthetic fluorescence"]
        picture(synthetic, models, given.scale).save(given.picture)
    begun = time.perf_counter()
    lines = table(given.sets, models, given.photons, given.scale)
    heading = (
        f"`python benchmarks/quality/microscope.py`, commit {commit()}, torch {torch.__version__}, "
        f"{platform.machine()} CPU, {time.strftime('%Y-%m-%d')}, "
        f"{time.perf_counter() - begun:.0f} s. "
        f"Scale {given.scale}; wavelength {OPTICS.wavelength} µm, NA {OPTICS.aperture}, small "
        f"pixel {OPTICS.pixel} µm, read noise {READ_NOISE} electrons. The script explains "
        "the columns."
    )
    text = "\n".join(["# Networks on a microscope's images", "", heading, "", *lines])
    if given.write is None:
        print(text)
    else:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
