"""Is the advised model the best one? Advice on synthetic and on real images, x2.

    python benchmarks/quality/advice.py DATA --real FOLDER --write benchmarks/quality/advice.md
    python benchmarks/quality/advice.py DATA --real FOLDER --fit

Measuring takes about 30 minutes of a CPU. `--keep FILE` keeps what was measured, one line of JSON
for each image with the commit that measured it, and does not measure these images again. Delete the
file after changing the models that ship, or the trial. `--made N` takes only N of the 1176
synthetic images, drawn at random.

DATA contains Set5, Set14 and train/BSDS500_train; FOLDER contains the packages with real microscopy
that `real_images.py` names. Without FOLDER, real images are left out.

Synthetic images ("made images") are photographs (Set5, Set14 and 12 of BSDS500, as grey) and
synthetic fluorescence. They are blurred by a Gaussian, shrunk by the mean of 2 x 2 pixels, and get
the noise of photons and of a camera. The truth is the blurred image at its full size, as a camera
with finer pixels would have recorded it, so deblurring counts as an error. PSNR is measured after
the best linear fit. A case is decided if the best two models differ by more than 0.5 dB. In a
decided case, the advice is a hit if its model is within 0.5 dB of the best. *measured*: mean gain
of the advised model over another, if it was told to be between two figures; over all cases and all
other models.

The weights that ship are fitted to all images (`--fit`). For the tables, each source (a package, or
a sort of made images) is tested with weights that are fitted to all other sources. The line below a
table is for the weights that ship.

The truth of real images is noisy, and the image that is upscaled may have part of the same noise. A
network that keeps noise then looks better than it is. So PSNR of real images is corrected
(`truth_noise`). As the truth's noise is only estimated, a real case is decided only if the same
model is clearly the best for half, once and 1.5 times the estimated variance.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.advice.forecast import powers_of
from napari_sr.advice.remarks import SMALL
from napari_sr.advice.trial import tried_errors
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import sample_of
from napari_sr.training.data.synthetic import SyntheticImages

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from advice_fit import MODELS, Case, fit, without_their_source  # the path comes first
from advice_kept import Kept
from advice_tables import always, summary, table, told_table
from commit import commit
from real_images import SETS, pairs
from training_images import USES
from truth_noise import added_noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

BLURS, PHOTONS = (0.0, 0.7, 1.4, 2.0), (20, 70, 200, 700, 3000, 0)
"""Blur in pixels of the truth; photons at white, where 0 stands for no noise."""
READ_NOISE, SIDE, BORDER = 1.6, 256, 4
INSIDE = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
TRAINED_ON = {name for name, _, use in USES if not use.held_out}
"""Real images on which `micrograph` was trained."""
DRAW = 2
"""Seed for the choice of synthetic images."""
SYNTHETIC, UNSEEN = 20, 5000
"""Number of synthetic images, and a seed that no recipe uses."""


def picture_paths(data: Path) -> list[Path]:
    """Return the files of photographs, each picture once."""
    sets = [*sorted(data.glob("Set5/HR/*.png")), *sorted(data.glob("Set14/**/*.png"))]
    names = {path.stem: path for path in sets if "LR" not in str(path)}
    return [*names.values(), *sorted((data / "train" / "BSDS500_train").iterdir())[::16][:12]]


def photographs(data: Path) -> Iterator[NDArray[np.float64]]:
    """Yield crops of photographs as grey, 0..1."""
    for path in picture_paths(data):
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


def fitted_error(result: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean squared error after the best linear fit, and that fit's slope.

    The error is relative to the squared range of the truth.
    """
    x, y = result[INSIDE].ravel(), truth[INSIDE].ravel()
    slope, offset = np.polyfit(x, y, 1)
    return float(np.mean((slope * x + offset - y) ** 2) / _range(truth) ** 2), float(slope)


def fitted_psnr(result: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the PSNR in dB after the best linear fit, relative to the range of the truth."""
    return float(-10 * np.log10(fitted_error(result, truth)[0]))


def _range(truth: NDArray[np.float64]) -> float:
    """Return the range of values that a truth uses."""
    return float(np.ptp(np.percentile(truth[INSIDE], (0.1, 99.9))))


def made_cases(
    data: Path,
    networks: Mapping[str, Network],
    made: Callable[..., Any] | None = None,
    most: int | None = None,
) -> Iterator[Any]:
    """Yield the cases of photographs and synthetic images, by `case` or another function.

    If there are more than `most`, a random choice of so many is taken.
    """
    made = case if made is None else made
    kinds = {"photographs": list(photographs(data)), "fluorescence": list(fluorescence())}
    count = len(BLURS) * len(PHOTONS) * sum(map(len, kinds.values()))
    chosen = set(np.random.default_rng(DRAW).permutation(count)[:most].tolist())
    index = itertools.count()
    for kind, images in kinds.items():
        for number, image in enumerate(images):
            for blur, photons in itertools.product(BLURS, PHOTONS):
                if next(index) not in chosen:
                    continue
                truth = gaussian_filter(image, blur) if blur else image
                small = recorded(truth, photons, number)
                yield made((kind, kind, False), small, truth, (0.0, 40000.0), networks)


def real_cases(
    folder: Path, networks: Mapping[str, Network], made: Callable[..., Any] | None = None
) -> Iterator[Any]:
    """Yield the cases of the real sets whose files are in a folder; see `made_cases`."""
    made = case if made is None else made
    for chosen in SETS:
        for pair in pairs(chosen, folder):
            low, high = map(float, np.percentile(pair.small, (0.1, 99.9)))
            about = chosen.name, chosen.source.split(",")[0], True
            yield made(about, pair.small, pair.truth, (low, high), networks, apart=pair.apart)


def case(
    about: tuple[str, str, bool],
    small: NDArray[Any],
    truth: NDArray[np.float64],
    values: tuple[float, float],
    networks: Mapping[str, Network],
    *,
    apart: bool = True,
) -> Case:
    """Upscale an image with all models, and measure what the advice is based on."""
    sample = sample_of(small, "YX")
    low, high = np.percentile(sample.values, (0.1, 99.9))
    tried = tried_errors(sample, noise_of(sample.windows, float(high - low)))
    added = added_noise(small, truth, apart=apart) if about[-1] else None
    psnr, shared = {}, {}
    for name, network in networks.items():
        result = upscaled(small, network, values)
        error, slope = fitted_error(result, truth)
        psnr[name] = float(-10 * np.log10(error))
        if added is not None:
            found = added.covariance(
                partial(upscaled, network=network, values=values), small, INSIDE
            )
            shared[name] = slope * found / _range(truth) ** 2
    noise = 0.0 if added is None else added.variance / _range(truth) ** 2
    return Case(*about, powers_of(sample), tried, psnr, noise, shared, min(small.shape))


def upscaled(
    small: NDArray[Any], network: Network, values: tuple[float, float]
) -> NDArray[np.float64]:
    """Return an enlarged image."""
    return np.asarray(
        napari_sr.upscale(
            small, network, axes="YX", device="cpu", engine="torch", value_range=values,
            outliers="keep", border="zeros",
        ),
        np.float64,
    )  # fmt: skip


def scores_of(
    small: NDArray[Any],
    truth: NDArray[np.float64],
    values: tuple[float, float],
    networks: Mapping[str, Network],
) -> dict[str, float]:
    """Return the PSNR in dB of each model's result."""
    found = {name: upscaled(small, network, values) for name, network in networks.items()}
    return {name: fitted_psnr(result, truth) for name, result in found.items()}


def text_of(found: Sequence[Case], commits: Sequence[str]) -> str:
    """Return the Markdown page."""
    told = list(zip(found, without_their_source(found), strict=True))
    shipped = [(one, one.told()) for one in found]
    heading = (
        f"`python benchmarks/quality/advice.py DATA --real FOLDER`, commit {commit()} (images "
        f"measured at {', '.join(commits)}), "
        f"{platform.machine()} CPU, {time.strftime('%Y-%m-%d')}. The script explains the columns; "
        "each source of images was tested with weights that were fitted without it. `micrograph` "
        "was trained on some of these images, see docs/weights.md. Synthetic images, drawn at "
        f"random from 1176 (`--made`): {sum(not one.real for one in found)}."
    )
    lines = ["# Is the advised model the best one?", "", heading]
    groups = {
        "Made images": lambda one: not one.real,
        f"Real microscopy, from {SMALL} x {SMALL} pixels on": (
            lambda one: one.real and one.side >= SMALL
        ),
        "Real microscopy, smaller images": lambda one: one.real and one.side < SMALL,
    }
    for title, belongs in groups.items():
        here = [pair for pair in told if belongs(pair[0])]
        if here:
            ships = summary([pair for pair in shipped if belongs(pair[0])])
            lines += ["", f"## {title}", "", *table(here)]
            lines += ["", f"With the weights that ship, which saw these images: {ships}."]
    real = [pair for pair in told if pair[0].real]
    others = [pair for pair in real if pair[0].kind not in TRAINED_ON]
    for title, here in {
        "All real microscopy together": real,
        "Only kinds on which `micrograph` was not trained": others,
    }.items():
        if here:
            lines += ["", f"{title}: {summary(here)}; always"]
            lines += [f"`micrograph`: {summary(always('micrograph', here))}."]
    made = [pair for pair in told if not pair[0].real]
    both = {name: here for name, here in (("made", made), ("real", real)) if here}
    lines += ["", "## Are told gains right?", "", *told_table(both), ""]
    lines += ["| images | file | package |", "|---|---|---|"]
    rows = (f"| {one.name} | `{one.file}` | {one.source} |" for one in SETS)
    lines += dict.fromkeys(rows)  # one row per file, which may have several channels
    return "\n".join([*lines, ""])


def main() -> None:
    """Read the command line; print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5, Set14 and train/BSDS500_train")
    parser.add_argument("--real", type=Path, help="folder with the packages of real_images.py")
    parser.add_argument("--made", type=int, help="number of synthetic images; by default, all")
    parser.add_argument("--fit", action="store_true", help="also print the best weights")
    parser.add_argument("--keep", type=Path, help="file that keeps what was measured")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    networks = {name: napari_sr.load(name, 2) for name in MODELS}
    kept = Kept(given.keep, case)
    found = list(made_cases(given.data, networks, kept.case, given.made))
    found += [] if given.real is None else list(real_cases(given.real, networks, kept.case))
    if given.fit:
        print(fit(found))
    if given.write is None:
        print(text_of(found, tuple(kept.commits)))
    else:
        given.write.write_text(text_of(found, tuple(kept.commits)), encoding="utf-8")


if __name__ == "__main__":
    main()
