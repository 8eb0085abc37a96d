"""Measure whether results keep the intensities of noisy images, x2 or x4.

    python benchmarks/quality/intensity.py PACKAGES [--scale 4] [--learnt FOLDER] [--model FILE]

The images of `self_supervised.py` and the fields of `spot_fields.py`, at several numbers of photons
in a white pixel of the source. Each result is averaged over the source's pixels. Its sums are then
compared with the noisy source's, so that chance, which is in both, does not count:

* total: the sum of the image, in percent;
* bright: the sum of the brightest tenth of all blocks of 16 x 16 pixels, in percent;
* dark: the mean of the darkest fifth of these blocks, in percent of white;
* spots: the sum of all known spots without their background, in percent: a disc of 3 pixels around
  each spot, minus the mean of a ring from 4 to 6 pixels;
* faint: the same for the fainter half of the spots.

Bright, dark and faint are chosen by the truth. `--learnt` names a folder with networks of
`false_spots.py`; each is used for the images that it learnt from. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from self_supervised import MODELS, images
from spot_fields import SCALE, Field, fields, noisy

import napari_sr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PHOTONS = (3, 10, 30, 100, 1000)
"""Photons in a white pixel of the source, for images without spots."""
BLOCK, BRIGHT, DARK = 16, 90, 20
"""Side of a block in pixels of the source; percentiles of bright and of dark blocks."""
DISC, RING = 3.0, (4.0, 6.0)
"""Radii of the disc and of the ring around a spot, in pixels of the source."""
WHITE = 99.9
"""Percentile of the truth that is white."""
HEADS = ("total", "bright", "dark", "spots", "faint")


class Sums(NamedTuple):
    """Intensities of one image, (H, W)."""

    total: float
    bright: float
    dark: float
    spots: NDArray[np.float64]
    """Sum of each known spot."""


def binned(image: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Return the means of blocks; incomplete blocks at the end are left out."""
    height, width = (size // side * side for size in image.shape)
    blocks = np.asarray(image[:height, :width], float)
    blocks = blocks.reshape(height // side, side, width // side, side)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return means


def sums(image: NDArray[Any], truth: NDArray[np.float64], places: NDArray[np.float64]) -> Sums:
    """Return the intensities of an image.

    Parameters
    ----------
    image, truth
        (H, W), in the source's pixels.
    places
        Row and column of each spot in these pixels, (N, 2).
    """
    own, true = binned(image, BLOCK), binned(truth, BLOCK)
    bright, dark = true >= np.percentile(true, BRIGHT), true <= np.percentile(true, DARK)
    rows, columns = np.indices(image.shape)
    spots = []
    for row, column in places:
        distance = np.hypot(rows - row, columns - column)
        disc, ring = distance <= DISC, (distance >= RING[0]) & (distance <= RING[1])
        spots.append(image[disc].sum() - disc.sum() * image[ring].mean())
    return Sums(float(image.sum()), own[bright].sum(), own[dark].mean(), np.array(spots))


def changes(field: Field, result: NDArray[Any]) -> list[float]:
    """Return the changes of `HEADS` in a result, (S * H, S * W); NaN without spots."""
    truth = binned(field.truth, 2)
    image = binned(result, result.shape[0] // truth.shape[0])
    places = (field.spots - 0.5) / 2
    before, after, true = (sums(one, truth, places) for one in (field.source, image, truth))
    found = [after.total / before.total - 1, after.bright / before.bright - 1]
    found.append((after.dark - before.dark) / float(np.percentile(truth, WHITE)))
    faint = true.spots <= np.median(true.spots) if len(places) else np.zeros(0, bool)
    for chosen in (faint | True, faint):
        known = true.spots[chosen].sum()
        change = (after.spots - before.spots)[chosen].sum() / known if known else np.nan
        found.append(change)
    return [100 * one for one in found]


def all_fields(packages: Path | None) -> Iterator[Field]:
    """Yield images without known spots, then fields of spots."""
    none = np.empty((0, 2))
    for one in images(packages):
        for photons in PHOTONS:
            source = noisy(one.truth, photons, 0)
            yield Field(one.name, one.name, photons, source, one.truth, none, none)
    yield from fields(packages, 1)


def main() -> None:
    """Read the command line, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, nargs="?", help="folder of real_images.py")
    parser.add_argument("--scale", type=int, default=SCALE, choices=(2, 4))
    parser.add_argument("--learnt", type=Path, default=Path(), help="folder of learnt networks")
    parser.add_argument("--model", nargs="*", default=[], help="more networks, names or files")
    parser.add_argument("--only", help="only images of this sort, such as HybISS")
    given = parser.parse_args()
    models = [name for name in MODELS if given.scale == SCALE or name != "microscope"]
    print(f"| image | photons | model | {' | '.join(HEADS)} |\n{'| --- ' * (len(HEADS) + 3)}|")
    rows: dict[tuple[str, int, str], list[list[float]]] = defaultdict(list)
    for field in all_fields(given.packages):
        if given.only not in (None, field.sort):
            continue
        low, high = float(field.source.min()), float(field.source.max())
        usual: dict[str, Any] = {"device": "cpu", "value_range": (low, high), "outliers": "keep"}
        pattern = f"{field.sort}-{field.photons}-*.safetensors"
        files = given.learnt.glob(pattern) if given.scale == SCALE else ()
        for model in (*models, *given.model, *files):
            result = napari_sr.upscale(field.source, model, given.scale, axes="YX", **usual)
            name = "learnt" if isinstance(model, Path) else Path(model).stem
            rows[field.sort, field.photons, name].append(changes(field, result))
    for (sort, photons, name), found in rows.items():
        cells = ["" if np.isnan(one) else f"{one:+.2f}" for one in np.mean(found, axis=0)]
        print(f"| {sort} | {photons} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
