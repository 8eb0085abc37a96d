"""Is the advised model the best one? Advice on synthetic and on real images, x2.

    python benchmarks/quality/advice.py DATA --real FOLDER --write benchmarks/quality/advice.md
    python benchmarks/quality/advice.py DATA --real FOLDER --fit

DATA contains Set5, Set14 and train/BSDS500_train; FOLDER contains the packages with real microscopy
that `real_images.py` names. Without FOLDER, real images are left out.

Synthetic images ("made images") are photographs (Set5, Set14 and 12 of BSDS500, as grey) and
synthetic fluorescence. They are blurred by a Gaussian, shrunk by the mean of 2 x 2 pixels, and get
the noise of photons and of a camera. The truth is the blurred image at its full size, as a camera
with finer pixels would have recorded it, so deblurring counts as an error. PSNR is measured after
the best linear fit. A case is decided if the best two models differ by more than 0.5 dB. In a
decided case, the advice is a hit if its model is within 0.5 dB of the best.

`--fit` chooses the thresholds from the made images with an even number and from half of the real
sets; made and real images have the same weight. The tables show all other images, and the real sets
that were used to choose.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.advice import advise as rule
from napari_sr.advice.advise import advise
from napari_sr.training.data.synthetic import SyntheticImages

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from commit import commit  # the path comes first
from real_images import CHOOSE, SETS, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

MODELS = ("bicubic", "edsr-slim", "microscope")
BLURS, PHOTONS = (0.0, 0.7, 1.4, 2.0), (20, 70, 200, 700, 3000, 0)
"""Blur in pixels of the truth; photons at white, where 0 stands for no noise."""
READ_NOISE, SIDE, GAP, BORDER = 1.6, 256, 0.5, 4
SYNTHETIC, UNSEEN = 20, 5000
"""Number of synthetic images, and a seed that no recipe uses."""


@dataclass(frozen=True)
class Case:
    """One recorded image: its properties, and the PSNR of each model."""

    kind: str
    real: bool
    chooses: bool
    """Whether it is used to choose thresholds."""
    coarse: float
    middle: float
    fine: float
    advised: str
    psnr: dict[str, float]

    @property
    def decided(self) -> bool:
        """Whether one model is clearly the best."""
        *_, second, best = sorted(self.psnr.values())
        return best - second > GAP

    def loss(self, model: str) -> float:
        """Return the dB by which a model is below the best one."""
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
    """Return the camera's 16-bit image, half as large as the truth; white is 40000."""
    random = np.random.default_rng(seed)
    side = SIDE // 2
    small = truth.reshape(side, 2, side, 2).mean(axis=(1, 3)).clip(0, None)
    if photons:
        small = random.poisson(small * photons) + random.normal(0, READ_NOISE, small.shape)
        small = small / photons
    pixels: NDArray[np.uint16] = np.rint(40000 * small.clip(0, 1.6)).astype(np.uint16)
    return pixels


def fitted_psnr(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the PSNR in dB after the best linear fit, relative to the range of the truth."""
    inside = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
    x, y = result[inside].ravel(), truth[inside].ravel()
    slope, offset = np.polyfit(x, y, 1)
    low, high = np.percentile(y, (0.1, 99.9))
    return float(-10 * np.log10(np.mean((slope * x + offset - y) ** 2) / (high - low) ** 2))


def made_cases(data: Path, networks: Mapping[str, Network]) -> Iterator[Case]:
    """Yield the cases of photographs and synthetic images."""
    kinds = {"photographs": photographs(data), "fluorescence": fluorescence()}
    for kind, images in kinds.items():
        for number, image in enumerate(images):
            for blur, photons in itertools.product(BLURS, PHOTONS):
                truth = gaussian_filter(image, blur) if blur else image
                small = recorded(truth, photons, number)
                about = kind, False, number % 2 == 0
                yield case(about, small, truth, (0.0, 40000.0), networks)


def real_cases(folder: Path, networks: Mapping[str, Network]) -> Iterator[Case]:
    """Yield the cases of the real sets whose files are in a folder."""
    for chosen in SETS:
        for pair in pairs(chosen, folder):
            low, high = map(float, np.percentile(pair.small, (0.1, 99.9)))
            about = chosen.name, True, chosen.name in CHOOSE
            yield case(about, pair.small, pair.truth, (low, high), networks)


def case(
    about: tuple[str, bool, bool],
    small: NDArray[Any],
    truth: NDArray[np.float64],
    values: tuple[float, float],
    networks: Mapping[str, Network],
) -> Case:
    """Upscale an image with all models, and ask for advice."""
    scores = {
        name: fitted_psnr(
            napari_sr.upscale(
                small, network, axes="YX", device="cpu", engine="torch",
                value_range=values, outliers="keep", border="zeros",
            ).astype(float),
            truth,
        )
        for name, network in networks.items()
    }  # fmt: skip
    found = advise(small, value_range=values)
    traits = found.traits.coarse, found.traits.middle, found.traits.fine
    return Case(*about, *traits, found.model.removesuffix("-x2"), scores)


def fit(found: Sequence[Case]) -> tuple[float, float, float]:
    """Return `NOISY`, `TEXTURED` and `SHARP` with the most hits; made and real weigh the same."""
    decided = [one for one in found if one.decided]
    losses = np.array([[one.loss(model) for model in MODELS] for one in decided])
    coarse, middle, fine = np.array([[one.coarse, one.middle, one.fine] for one in decided]).T
    real = np.array([one.real for one in decided])
    weight = np.where(real, 1 / max(real.sum(), 1), 1 / max((~real).sum(), 1))

    def score(three: tuple[float, float, float]) -> tuple[float, float]:
        noisy = (coarse < three[0]) & (middle < three[1])
        chosen = np.where(noisy, 2, np.where(fine > three[2], 1, 0))
        lost = losses[np.arange(len(losses)), chosen]
        return float(weight @ (lost <= GAP)), -float(weight @ lost)

    return max(
        itertools.product(
            (25, 30, 35, 40, 50, 60, 80, 100, 150), (2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8, 1e9),
            (2.5, 3, 3.5, 4, 4.5, 5),
        ),
        key=score,
    )  # fmt: skip


def table(found: Sequence[Case]) -> list[str]:
    """Return lines of Markdown, one per kind of image, and one for all."""
    others = " | ".join(f"always {name}, hits" for name in MODELS)
    lines = [
        f"| images | cases | decided | hits | mean loss, dB | largest, dB | {others} |",
        "|---" * (6 + len(MODELS)) + "|",
    ]
    for kind in (*dict.fromkeys(one.kind for one in found), "all"):
        here = [one for one in found if kind in (one.kind, "all")]
        decided = [one for one in here if one.decided]

        def share(pick: str, decided: Sequence[Case] = decided) -> str:
            hits = sum(one.loss(pick or one.advised) <= GAP for one in decided)
            return f"{hits / len(decided):.0%}" if decided else "-"

        losses = [one.loss(one.advised) for one in here]
        lines.append(
            f"| {kind} | {len(here)} | {len(decided)} | {share('')} | {np.mean(losses):.2f} | "
            f"{max(losses):.1f} | " + " | ".join(map(share, MODELS)) + " |"
        )
    return lines


def text_of(found: Sequence[Case]) -> str:
    """Return the Markdown page."""
    heading = (
        f"`python benchmarks/quality/advice.py DATA --real FOLDER`, commit {commit()}, "
        f"{platform.machine()} CPU, {time.strftime('%Y-%m-%d')}; NOISY {rule.NOISY}, TEXTURED "
        f"{rule.TEXTURED}, SHARP {rule.SHARP}. The script explains the columns."
    )
    lines = ["# Is the advised model the best one?", "", heading, "", "## Made images", ""]
    lines += table([one for one in found if not one.real and not one.chooses])
    real = [one for one in found if one.real]
    lines += ["", "## Real microscopy", ""]
    if not real:
        lines.append("Left out: no folder with packages was given (`--real`).")
    for title, chooses in (
        ("Images that were not used to choose the thresholds", False),
        ("Images that were used to choose the thresholds", True),
    ):
        here = [one for one in real if one.chooses is chooses]
        lines += [f"{title}:", "", *table(here), ""] if here else []
    if real:
        lines += ["| images | file | package |", "|---|---|---|"]
        rows = (f"| {one.name} | `{one.file}` | {one.source} |" for one in SETS)
        lines += dict.fromkeys(rows)  # one row per file, which may have several channels
    return "\n".join([*lines, ""])


def main() -> None:
    """Read the command line; print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5, Set14 and train/BSDS500_train")
    parser.add_argument("--real", type=Path, help="folder with the packages of real_images.py")
    parser.add_argument("--fit", action="store_true", help="also print the best thresholds")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    found = list(made_cases(given.data, networks))
    found += [] if given.real is None else list(real_cases(given.real, networks))
    if given.fit:
        print("NOISY, TEXTURED, SHARP =", fit([one for one in found if one.chooses]))
    if given.write is None:
        print(text_of(found))
    else:
        given.write.write_text(text_of(found), encoding="utf-8")


if __name__ == "__main__":
    main()
