"""Does the advised model win? Advice on images of known blur and noise, x2.

    python benchmarks/quality/advice.py ../shared/data --write benchmarks/quality/advice.md
    python benchmarks/quality/advice.py ../shared/data --fit

Photographs (Set5, Set14 and 12 of BSDS500, as grey) and synthetic fluorescence are blurred by a
Gaussian, shrunk by the mean of 2 x 2 pixels, and recorded with the noise of photons and of a
camera. The truth is the blurred image at its full size, so that undoing the blur is an error: what
counts is what a camera with finer pixels would have seen. PSNR is measured after the best linear
fit. Where the best two of the models differ by more than 0.5 dB, the advice hits if its model is
within 0.5 dB of the best.

Images with an even number choose the thresholds (`--fit`); the table is of those with an odd one.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.advice import advise as rule
from napari_sr.advice.advise import advise
from napari_sr.training.data.synthetic import SyntheticImages

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MODELS = ("bicubic", "edsr-slim", "microscope")
BLURS, PHOTONS = (0.0, 0.7, 1.4, 2.0), (20, 70, 200, 700, 3000, 0)
"""Blur in pixels of the truth; photons at white, where 0 stands for no noise."""
READ_NOISE, SIDE, GAP, BORDER = 1.6, 256, 0.5, 4
SYNTHETIC, UNSEEN = 20, 5000
"""Number of synthetic images, and a seed that no recipe uses."""


@dataclass(frozen=True)
class Case:
    """One recorded image: what is known of it, and the PSNR of each model."""

    kind: str
    blur: float
    photons: int
    odd: bool
    coarse: float
    fine: float
    advised: str
    psnr: dict[str, float]

    @property
    def decided(self) -> bool:
        """Whether the best model is clear."""
        *_, second, best = sorted(self.psnr.values())
        return best - second > GAP

    def loss(self, model: str) -> float:
        """Return by how many dB a model is below the best."""
        return max(self.psnr.values()) - self.psnr[model]


def photographs(data: Path) -> Iterator[NDArray[np.float64]]:
    """Yield crops of photographs as grey, 0..1."""
    sets = [*sorted(data.glob("Set5/HR/*.png")), *sorted(data.glob("Set14/**/*.png"))]
    names = {path.stem: path for path in sets if "LR" not in str(path)}
    train = sorted((data / "train" / "BSDS500_train").iterdir())[::16][:12]
    for path in (*names.values(), *train):
        grey = np.asarray(Image.open(path).convert("L"), float) / 255
        top, left = ((size - SIDE) // 2 for size in grey.shape)
        if min(top, left) >= 0:
            yield grey[top : top + SIDE, left : left + SIDE]


def fluorescence() -> Iterator[NDArray[np.float64]]:
    """Yield synthetic images, 0..1."""
    for picture in SyntheticImages(SYNTHETIC, seed=UNSEEN).pictures():
        yield np.asarray(picture.read(slice(SIDE), slice(SIDE)), float) / 65535


def recorded(truth: NDArray[np.float64], photons: int, seed: int) -> NDArray[np.uint16]:
    """Return the camera's image in 16 bits, half as large; white is 40000."""
    random = np.random.default_rng(seed)
    side = SIDE // 2
    small = truth.reshape(side, 2, side, 2).mean(axis=(1, 3)).clip(0, None)
    if photons:
        small = random.poisson(small * photons) + random.normal(0, READ_NOISE, small.shape)
        small = small / photons
    pixels: NDArray[np.uint16] = np.rint(40000 * small.clip(0, 1.6)).astype(np.uint16)
    return pixels


def fitted_psnr(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the PSNR in dB after the best linear fit; white is the range of the truth."""
    inside = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
    x, y = result[inside].ravel(), truth[inside].ravel()
    slope, offset = np.polyfit(x, y, 1)
    low, high = np.percentile(y, (0.1, 99.9))
    return float(-10 * np.log10(np.mean((slope * x + offset - y) ** 2) / (high - low) ** 2))


def cases(data: Path) -> Iterator[Case]:
    """Yield all cases."""
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    kinds = {"photographs": photographs(data), "fluorescence": fluorescence()}
    for kind, images in kinds.items():
        for number, image in enumerate(images):
            for blur, photons in itertools.product(BLURS, PHOTONS):
                truth = gaussian_filter(image, blur) if blur else image
                small = recorded(truth, photons, number)
                scores = {
                    name: fitted_psnr(
                        napari_sr.upscale(
                            small, network, axes="YX", device="cpu", engine="torch",
                            value_range=(0, 40000), outliers="keep",
                        ).astype(float),
                        truth,
                    )
                    for name, network in networks.items()
                }  # fmt: skip
                found = advise(small, value_range=(0, 40000))
                family = found.model.removesuffix("-x2")
                traits = found.traits.coarse, found.traits.fine
                yield Case(kind, blur, photons, bool(number % 2), *traits, family, scores)


def fit(found: Sequence[Case]) -> tuple[float, float]:
    """Return the thresholds `NOISY` and `SHARP` with the most hits, then the least loss."""

    def score(pair: tuple[float, float]) -> tuple[float, float]:
        chosen = [
            (one, "microscope" if one.coarse < pair[0] else
             "edsr-slim" if one.fine > pair[1] else "bicubic")
            for one in found
        ]  # fmt: skip
        hits = sum(one.loss(model) <= GAP for one, model in chosen if one.decided)
        return hits, -sum(one.loss(model) for one, model in chosen)

    return max(itertools.product((15, 20, 25, 30, 35, 40, 45, 50, 60, 80),
                                 (2, 2.5, 3, 3.5, 4, 4.3, 5, 6, 7, 9, 12)), key=score)  # fmt: skip


def table(found: Sequence[Case]) -> list[str]:
    """Return lines of Markdown."""
    others = " | ".join(f"always {name}, hits" for name in MODELS)
    lines = [
        f"| images | cases | decided | hits | mean loss, dB | largest, dB | {others} |",
        "|---" * (6 + len(MODELS)) + "|",
    ]
    for kind in ("photographs", "fluorescence", "all"):
        here = [one for one in found if kind in (one.kind, "all")]
        decided = [one for one in here if one.decided]

        def share(pick: str, decided: Sequence[Case] = decided) -> str:
            hits = sum(one.loss(pick or one.advised) <= GAP for one in decided)
            return f"{hits / len(decided):.0%}"

        losses = [one.loss(one.advised) for one in here]
        lines.append(
            f"| {kind} | {len(here)} | {len(decided)} | {share('')} | {np.mean(losses):.2f} | "
            f"{max(losses):.1f} | " + " | ".join(map(share, MODELS)) + " |"
        )
    return lines


def main() -> None:
    """Read the command line; print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5, Set14 and train/BSDS500_train")
    parser.add_argument("--fit", action="store_true", help="print the best thresholds instead")
    parser.add_argument("--write", type=Path, help="a Markdown file")
    given = parser.parse_args()
    found = list(cases(given.data))
    if given.fit:
        print("NOISY, SHARP =", fit([one for one in found if not one.odd]))
    heading = (
        f"`python benchmarks/quality/advice.py DATA`, commit {commit()}, {platform.machine()} CPU, "
        f"{time.strftime('%Y-%m-%d')}; NOISY {rule.NOISY}, SHARP {rule.SHARP}. The script explains "
        "the columns."
    )
    text = "\n".join(
        ["# Does the advised model win?", "", heading, "",
         *table([one for one in found if one.odd]), ""]
    )  # fmt: skip
    if given.write is None:
        print(text)
    else:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
