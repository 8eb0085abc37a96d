"""Compare the resolution of one split exposure with that of two exposures.

    python benchmarks/quality/single_frc.py > benchmarks/quality/single_frc.md

The scenes are synthetic (spots, filaments, noise), of 512 x 512 px, blurred by a Gaussian of `blur`
px, with photon noise of `photons` in the brightest pixel. The column "two" is the resolution of two
exposures by FRC, in px. The next columns are the resolution of the first exposure alone, divided by
"two": split as a checkerboard, by photons, by diagonals, and by diagonals with the correction of
Koho et al. (2019). The last column is the cut-off that the correction uses. "-" means that the
curve has no crossing. 1 is perfect. Checkerboard and photons have half of the light, so they should
be a little above 1.

    python benchmarks/quality/single_frc.py --small >> benchmarks/quality/single_frc.md

shows how the column "photons" scatters in smaller images: the smallest ratio, the median and the
largest, over 6 random draws of the 3 scenes, blurred by 1.5 and 3 px.
"""

from __future__ import annotations

import math
import sys
from itertools import product
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import _single_frc, frc, single_frc
from napari_sr.evaluation._frc import THRESHOLD, crossing

sys.path.insert(0, str(Path(__file__).parents[1]))
from commit import commit

SIDE = 512
BLURS, PHOTONS = (1.0, 1.5, 2.0, 3.0, 5.0), (20, 200, 2000)


def scenes(random: np.random.Generator, side: int = SIDE) -> dict[str, np.ndarray]:
    """Return the scenes, (side, side), before they are blurred."""
    spots = np.zeros((side, side))
    places = random.integers(0, side, (side * side // 100, 2))
    np.add.at(spots, tuple(places.T), random.random(len(places)))
    threads = np.zeros((side, side))
    for _ in range(150):
        angles = random.uniform(0, 2 * math.pi) + np.cumsum(random.normal(0, 0.05, 400))
        steps = np.stack([np.sin(angles), np.cos(angles)])
        path = (random.uniform(0, side, (2, 1)) + np.cumsum(steps, axis=1)).astype(int) % side
        np.add.at(threads, tuple(path), 1.0)
    return {"spots": spots, "filaments": threads, "noise": random.random((side, side))}


def exposure(
    scene: np.ndarray, blur: float, photons: int, random: np.random.Generator
) -> np.ndarray:
    """Return the photon counts of a blurred scene."""
    seen = gaussian_filter(scene, blur, mode="wrap")
    return random.poisson((seen - seen.min()) / np.ptp(seen) * photons)


def measure(first: np.ndarray, second: np.ndarray) -> list[float]:
    """Return the figures of a table row: "two", the ratios, and the cut-off."""
    pair = frc(first, second).resolution
    found = single_frc(first, "diagonals")
    raw = crossing(found.frequencies, found.correlation, THRESHOLD, math.nan)
    once = [single_frc(first, split, gain=1).resolution for split in ("checkerboard", "counts")]
    kept, _single_frc.FINEST_CUT = _single_frc.FINEST_CUT, 1.0
    corrected = _single_frc.corrected(raw, 1.0)
    _single_frc.FINEST_CUT = kept
    return [pair, *(value / pair for value in (*once, raw, corrected)), 4 / raw]


def scatter(side: int, photons: int) -> list[float]:
    """Return the ratios of split photons to two exposures in images of `side` px."""
    ratios = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        for scene, blur in product(scenes(random, side).values(), (1.5, 3.0)):
            first, second = (exposure(scene, blur, photons, random) for _ in range(2))
            once = single_frc(first, "counts", gain=1).resolution
            ratios.append(once / frc(first, second).resolution)
    return ratios


def small() -> None:
    """Print how split photons scatter in small images."""
    print("\n## Split photons in smaller images\n")
    print("| side, px | photons | smallest | median | largest | images |\n" + "|---" * 6 + "|")
    for side, photons in product((128, 256), PHOTONS):
        found = scatter(side, photons)
        ends = " | ".join(f"{value:.2f}" for value in np.percentile(found, (0, 50, 100)))
        print(f"| {side} | {photons} | {ends} | {len(found)} |")


def main() -> None:
    """Print the table, and the ratios in the range of the correction."""
    random = np.random.default_rng(0)
    print(f"# One exposure against two\n\n`python benchmarks/quality/single_frc.py`, {commit()}\n")
    print("The script explains the columns.\n")
    heads = "two, px", "checkerboard", "photons", "diagonals", "corrected", "cut-off"
    print("| scene | blur | photons | " + " | ".join(heads) + " |\n" + "|---" * 9 + "|")
    inside, beyond = [], []
    for (name, scene), blur, photons in product(scenes(random).items(), BLURS, PHOTONS):
        pair = [exposure(scene, blur, photons, random) for _ in range(2)]
        found = measure(*pair)
        cells = ("-" if math.isnan(value) else f"{value:.2f}" for value in found)
        print(f"| {name} | {blur:g} | {photons} | {' | '.join(cells)} |")
        if not math.isnan(found[4]):
            (inside if found[5] <= _single_frc.FINEST_CUT else beyond).append(found[4])
    for told, ratios in (("up to", inside), ("beyond", beyond)):
        print(
            f"\nCut-offs {told} {_single_frc.FINEST_CUT}: corrected / two exposures is "
            f"{min(ratios):.2f} to {max(ratios):.2f} ({len(ratios)} images)."
        )


if __name__ == "__main__":
    small() if "--small" in sys.argv else main()
