"""Networks, interpolation and deconvolution on real microscopy images.

    python benchmarks/quality/real_data.py PACKAGES --write benchmarks/quality/real_data.md \
        --pictures docs/images

PACKAGES is the folder of unpacked packages that `real_images.py` describes.

With a truth: PSNR in dB after the best linear fit, as `advice.py` measures it. `real_images.py`
explains how the pairs are made: "halved", "quartered" and "series", or photons of added noise. For
electron microscopy, `em_pairs.py` makes two images with independent noise, so that the noise of the
truth can be subtracted from the error.

Without a truth: whole images, enlarged 2 x. The decorrelation resolution is in pixels of the
source; lower is finer, not truer. RSP is 1 if the blurred result equals the source. The difference
is that between the shrunk result and the source, divided by the source's noise: 1 means that as
much was changed as there is noise.

Deconvolution is Richardson-Lucy of scikit-image with a Gaussian spot, after bicubic interpolation.
Where there is a truth, the best of six settings counts, chosen by the truth.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_sr
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import sample_of

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
import em_pairs  # the path comes first
from commit import commit
from real_data_methods import (
    best_deconvolved,
    deconvolved,
    fitted_psnr,
    methods_of,
    models_of,
)  # fmt: skip
from real_data_pictures import draw
from real_images import SETS, RealSet, binned, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from real_data_methods import Method

HELD_OUT = (
    "E. coli, widefield",
    "HybISS spots",
    "immunohistochemistry",
    "nuclei, many",
    "telomeres",
)
"""Sets that no network was trained on; of *E. coli*, only the third channel is used."""
CHANNEL = (2,)
MOST = 3
"""Largest number of pairs of one set that are made in the same way."""
DECONVOLUTION = "deconvolution"
ELECTRON = "electron microscopy"
EM_SIDE, EM_CROPS = 192, 3
"""Side of LR images from the held-out electron micrograph, and their number."""


def sets() -> list[RealSet]:
    """Return the sets of held-out images."""
    return [
        one
        for one in SETS
        if one.name in HELD_OUT and (one.name != HELD_OUT[0] or one.index == CHANNEL)
    ]


def scores_of(
    small: NDArray[Any],
    truth: NDArray[np.float64],
    methods: Mapping[str, Method],
    noise: float = 0.0,
) -> dict[str, float]:
    """Return the PSNR of each method, and of the best deconvolution."""
    results = {name: method(small) for name, method in methods.items()}
    scores = {name: fitted_psnr(result, truth, noise) for name, result in results.items()}
    scale = truth.shape[0] // small.shape[0]
    scores[DECONVOLUTION] = best_deconvolved(
        results["bicubic"], scale, lambda result: fitted_psnr(result, truth, noise)
    )
    return scores


def light(packages: Path, methods: Mapping[str, Method]) -> tuple[list[list[str]], list[list[str]]]:
    """Return rows for light microscopy, x2: of each set, and the means over all sets."""
    rows = []
    together: dict[str, list[dict[str, float]]] = {}
    for chosen in sets():
        found: dict[str, list[dict[str, float]]] = {}
        for pair in pairs(chosen, packages):
            scores = found.setdefault(pair.made, [])
            if len(scores) < MOST:
                scores.append(scores_of(pair.small, pair.truth, methods))
        for made, scores in found.items():
            rows.append([chosen.name, f"{made} ({len(scores)})", *_means(scores)])
            together.setdefault(made, []).append(_mean(scores))
    return rows, [[made, str(len(one)), *_means(one)] for made, one in together.items()]


def electron(
    image: NDArray[np.float64], scale: int, methods: Mapping[str, Method]
) -> list[list[str]]:
    """Return rows for electron microscopy: with independent noise, and with noise added."""
    random = np.random.default_rng(0)
    covariances = em_pairs.covariance(image)
    rows = []
    for size in (1, 2):
        own = np.var(em_pairs.binned(em_pairs.noise((512, 512), covariances, random), size))
        noise = float(own) * (1 + em_pairs.STRENGTH**-2)
        for level in (0.0, 0.05):
            scores = []
            for crop in _crops(image, size * scale):
                source, target = em_pairs.recorrupted(crop, covariances, random)
                lr = em_pairs.binned(source, size * scale)
                lr = lr + level * random.standard_normal(lr.shape)
                scores.append(scores_of(lr, em_pairs.binned(target, size), methods, noise))
            added = f", noise {level:g} added" if level else ""
            made = f"pixels of {8 * size * scale} nm{added} ({len(scores)})"
            rows.append([made, *_means(scores)])
    return rows


def halved(image: NDArray[np.float64], scale: int, methods: Mapping[str, Method]) -> list[str]:
    """Return the row for electron microscopy whose truth has the noise of the image."""
    crops = [em_pairs.binned(crop, 2) for crop in _crops(image, 2 * scale)]
    scores = [scores_of(em_pairs.binned(crop, scale), crop, methods) for crop in crops]
    made = f"pixels of {16 * scale} nm, noisy truth ({len(crops)})"
    return [made, *_means(scores)]


def _crops(image: NDArray[np.float64], factor: int) -> list[NDArray[np.float64]]:
    side = min(EM_SIDE * factor, *(size // (2 * factor) * 2 * factor for size in image.shape))
    tops = np.linspace(0, image.shape[0] - side, EM_CROPS).astype(int)
    left = (image.shape[1] - side) // 2
    return [image[top : top + side, left : left + side] for top in tops]


def without_truth(image: NDArray[Any], methods: Mapping[str, Method]) -> Iterator[list[str]]:
    """Yield a row for each method: figures that need no truth."""
    results = {name: method(image) for name, method in methods.items()}
    results[DECONVOLUTION] = deconvolved(results["bicubic"], 2)
    noise = noise_of(sample_of(image, "YX").windows, 1.0).sigma
    for name, result in results.items():
        found = napari_sr.resolution(image, result)
        detail = found.figure("decorrelation").result
        rsp = found.figure("RSP, 1 if equal").result
        change = float(np.sqrt(np.mean((binned(result) - image) ** 2))) / noise
        yield [name, f"{detail:.2f}", f"{rsp:.4f}", f"{change:.2f}"]


def whole_images(packages: Path) -> dict[str, NDArray[np.float64]]:
    """Return an image of telomeres, of spots, and of electron microscopy, without a truth."""
    found = {}
    for one in sets():
        if one.name in ("telomeres", "HybISS spots"):
            plane = one.planes(packages)[0]
            height, width = (size // 2 * 2 for size in plane.shape)
            found[one.name] = plane[:height, :width].astype(np.float64)
    section = em_pairs.images(packages)[em_pairs.HELD_OUT]
    found[ELECTRON] = section[1000:1512, 800:1312] * em_pairs.BYTE
    return found


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}


def _means(scores: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the mean of each method, the best one bold."""
    means = list(_mean(scores).values())
    texts = [f"{mean:.2f}" for mean in means]
    best = max(means)
    return [
        f"**{text}**" if mean == best else text for text, mean in zip(texts, means, strict=True)
    ]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def text_of(packages: Path) -> str:
    """Measure everything, and return the page."""
    lines = [
        "# Real microscopy", "",
        f"`python benchmarks/quality/real_data.py PACKAGES`, commit {commit()}, "
        f"{platform.machine()} CPU, {time.strftime('%Y-%m-%d')}. The script explains the figures. "
        "All images are held out: no network was trained on them. In brackets: number of pairs.",
    ]  # fmt: skip
    heads = [*models_of(2), DECONVOLUTION]
    rows, means = light(packages, methods_of(2))
    lines += [
        "",
        "## Light microscopy, PSNR in dB, x2",
        "",
        *table(["images", "made", *heads], rows),
    ]
    lines += ["", "The mean over these sets:", "", *table(["made", "sets", *heads], means)]
    section = em_pairs.images(packages)[em_pairs.HELD_OUT]
    for scale in (2, 4):
        methods = methods_of(scale)
        rows = [*electron(section, scale, methods), halved(section, scale, methods)]
        heads = ["made", *models_of(scale), DECONVOLUTION]
        lines += ["", f"## Electron microscopy, PSNR in dB, x{scale}", "", *table(heads, rows)]
    methods = methods_of(2)
    heads = ["method", "detail, px", "RSP", "difference / noise"]
    for name, image in whole_images(packages).items():
        lines += [
            "",
            f"## No truth: {name}, x2",
            "",
            *table(heads, list(without_truth(image, methods))),
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Read the command line; write or print the page, and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder with the packages of real_images.py")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--pictures", type=Path, help="folder for pictures")
    given = parser.parse_args()
    if given.pictures is not None:
        for name, image in whole_images(given.packages).items():
            path = given.pictures / f"real_{name.split()[0].lower()}.png"
            draw(image, methods_of(2)).save(path, optimize=True)
    page = text_of(given.packages)
    if given.write is None:
        print(page)
    else:
        given.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
