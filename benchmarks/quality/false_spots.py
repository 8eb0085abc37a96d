"""Count false spots at the same recall: interpolation, networks, and learning from noise, x2.

    python benchmarks/quality/false_spots.py [PACKAGES] [--steps 600] [--keep FOLDER]

Each field of `spot_fields.py` is enlarged by each method. Spots are detected in the result in two
ways:

* heights: the background (a wide Gaussian mean) is subtracted, and each local maximum above a
  threshold is a spot;
* filter: the same after the Laplacian of a Gaussian of the spots' size, as spot detectors do. The
  filter removes noise by itself, so little is left for a network to do.

The threshold of each field is lowered until a share of the known spots is found (the recall). Then
the other detected spots are counted as false. PACKAGES is the folder of `real_images.py`; without
it, there are no real fields. One network learns from all fields of a row; `--steps 0` leaves out
learning. Prints Markdown: the mean number of false spots per field, or "-" where not even the
lowest threshold finds so many spots.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_laplace
from scipy.spatial import KDTree
from self_supervised import MODELS, UNLIMITED, fixed
from spot_fields import PHOTONS, SIGMA, Field, fields, maxima

import napari_sr
from napari_sr.training.finetuning.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Results = dict[str, NDArray[np.float64]]
    """Results, (2 * H, 2 * W), by method."""

RECALLS = (0.5, 0.7, 0.9)
"""Shares of the known spots that must be found."""
NEAR = 4.0
"""Largest distance of a found spot from a known one, in pixels of the truth."""
DISTANCE = 4
"""No spot has a higher one at up to this distance along rows and columns, in pixels."""
AROUND = 20.0
"""Standard deviation of the Gaussian mean that is the background, in pixels of the truth."""
LEARNT = "learnt"


def heights(result: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the difference of an image, (H, W), from its background."""
    found: NDArray[np.float64] = result - gaussian_filter(result, AROUND)
    return found


def filtered(result: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the negative Laplacian of an image, (H, W), that was smoothed to the spots' size."""
    found: NDArray[np.float64] = -gaussian_laplace(result, SIGMA)
    return found


DETECTORS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "heights": heights,
    "filter": filtered,
}


def false_spots(image: NDArray[np.float64], field: Field) -> list[float]:
    """Count the false spots for each of `RECALLS`; NaN if the recall is not reached.

    A known spot is found once: further maxima near it are false.
    """
    places, height = maxima(image, DISTANCE)
    if not len(places):
        return [np.nan] * len(RECALLS)
    places = places[np.argsort(-height)]
    nearest, known = KDTree(field.spots).query(places, distance_upper_bound=NEAR)
    near = np.isfinite(nearest)
    right = np.zeros(len(places), bool)
    right[np.flatnonzero(near)[np.unique(known[near], return_index=True)[1]]] = True
    false = ~right
    if len(field.doubtful):
        false &= ~np.isfinite(KDTree(field.doubtful).query(places, distance_upper_bound=NEAR)[0])
    reached, counted = np.cumsum(right) / len(field.spots), np.cumsum(false)
    return [
        float(counted[np.argmax(reached >= recall)]) if reached[-1] >= recall else np.nan
        for recall in RECALLS
    ]


def results(group: Sequence[Field], steps: int, keep: Path) -> list[Results]:
    """Enlarge the fields of one row of the table by all methods."""
    low = min(float(field.source.min()) for field in group)
    high = max(float(field.source.max()) for field in group)
    usual: dict[str, Any] = {"device": "cpu", "value_range": (low, high), "outliers": "keep"}
    methods: dict[str, str | Path | None] = {name: name for name in MODELS}
    if steps:
        target = keep / f"{group[0].sort}-{group[0].photons}-{len(group)}-{steps}.safetensors"
        methods[LEARNT] = learnt(group, (low, high), target)
    found: list[Results] = []
    for field in group:
        own = {
            name: np.asarray(napari_sr.upscale(field.source, model, 2, axes="YX", **usual), float)
            for name, model in methods.items()
            if model is not None
        }
        found.append({name: own.get(name, np.zeros_like(field.truth)) for name in methods})
    return found


def learnt(group: Sequence[Field], values: tuple[float, float], target: Path) -> Path | None:
    """Let one network learn from all fields, unless its file exists; None if they are refused."""
    sources = [field.source for field in group]
    try:
        if not target.exists():
            napari_sr.fine_tune(
                sources, "micrograph", 2, target, supervision="self", value_range=values,
                minutes=UNLIMITED, device="cpu",
            )  # fmt: skip
    except ValueError as error:
        print(f"{group[0].sort}, {group[0].photons} photons: {error}")
        return None
    return target


def rows(group: Sequence[Field], enlarged: Sequence[Results], detector: str) -> Iterator[str]:
    """Yield a row of the table for each recall: the mean numbers of false spots."""
    counts = [
        [false_spots(DETECTORS[detector](image), field) for image in images.values()]
        for field, images in zip(group, enlarged, strict=True)
    ]
    means = np.mean(counts, axis=0)
    for number, recall in enumerate(RECALLS):
        cells = ["-" if np.isnan(one) else f"{one:.1f}" for one in means[:, number]]
        first = group[0]
        yield f"| {first.sort} | {first.photons} | {recall:.0%} | {' | '.join(cells)} |"


def main() -> None:
    """Read the command line; enlarge all fields and print a table for each detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, nargs="?", help="folder of real_images.py")
    parser.add_argument("--steps", type=int, default=600, help="steps of learning; 0: none")
    parser.add_argument("--fields", type=int, default=2, help="number of made fields of each sort")
    parser.add_argument("--keep", type=Path, default=Path(), help="folder for learnt networks")
    parser.add_argument("--photons", type=int, nargs="*", default=PHOTONS, help="only these levels")
    parser.add_argument("--only", help="only fields of this sort, such as HybISS")
    given = parser.parse_args()
    if given.steps:
        Pacer.counts = fixed(given.steps)  # type: ignore[method-assign]
        given.keep.mkdir(parents=True, exist_ok=True)
    groups: dict[tuple[str, int], list[Field]] = defaultdict(list)
    for field in fields(given.packages, given.fields):
        if given.only in (None, field.sort) and field.photons in given.photons:
            groups[field.sort, field.photons].append(field)
    lines: dict[str, list[str]] = {detector: [] for detector in DETECTORS}
    for group in groups.values():
        enlarged = results(group, given.steps, given.keep)
        for detector, own in lines.items():
            own += rows(group, enlarged, detector)
            print(detector, *own[-len(RECALLS) :], sep="\n", flush=True)
    names = list(enlarged[0])
    for detector, own in lines.items():
        print(f"\n{detector}\n\n| fields | photons | recall | {' | '.join(names)} |")
        print("| --- " * (len(names) + 3) + "|", *own, sep="\n")


if __name__ == "__main__":
    main()
