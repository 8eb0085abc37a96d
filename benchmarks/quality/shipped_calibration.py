"""Calibrate the networks that ship, and measure whether the bounds hold on other images.

    cd benchmarks/quality
    python shipped_calibration.py DATA --real FOLDER --write shipped_calibration.md --ship

DATA contains Set5 and Set14; FOLDER is `real_held_out` of `training_images.py`. No shipped network
was trained on any of these images.

* Networks for photographs are calibrated on every second image of Set14 as grey, and tested on the
  other images of Set14. LR images are those of the set (bicubic interpolation).
* `microscope` is calibrated on synthetic fluorescence with the optics and cameras of its training,
  and unused seeds; every second image is left for the test.
* `micrograph` is calibrated on the real images that were held out, three times each, with other
  blur and noise of its training (or neither). In the test, each kind of images is left out once.
  Bounds from synthetic fluorescence held for 58 % of the pixels of real images only, at 90 %.
* `em` is not calibrated: all its images have noise, so their errors are larger than the network's.

A column each for the share of pixels below the bound at each level, and the lowest share of one
image at 90 %. The row "Set5 to Set14" shows the share if calibration and test images come from
different sources. `--ship` writes `zoo/calibrations.json`, from which the program reads.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from uncertainty import Pair, coverage, measured, photographs

import napari_sr
from napari_sr.evaluation.conformal import LEVELS, calibration_of
from napari_sr.training.data.camera import Camera
from napari_sr.training.data.exposure import Exposure
from napari_sr.training.data.folder import files_of, of_folder
from napari_sr.training.data.microscope import Microscope
from napari_sr.training.data.optics import Optics
from napari_sr.training.data.pairs import Pairs
from napari_sr.training.data.synthetic import SyntheticImages
from napari_sr.zoo import calibrations

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sr.training.data.degradation import Degradation
    from napari_sr.training.data.pictures import Picture

MODELS = (
    ("fsrcnn", 2), ("fsrcnn", 3), ("fsrcnn", 4), ("edsr-slim", 2), ("edsr-slim", 3),
    ("edsr-slim", 4), ("microscope", 2), ("micrograph", 2), ("micrograph", 4),
)  # fmt: skip
OPTICS = Optics(wavelength=(0.45, 0.65), aperture=(0.6, 1.2), pixel=(0.15, 0.3))
"""Optics of the training of `microscope`."""
CAMERA = Camera(photons=(30.0, 2000.0), read_noise=(1.0, 3.0))
EXPOSURE = Exposure(
    level=(0.003, 0.2), without=0.33, interpolated=0.4,
    optics=Optics(wavelength=(0.45, 0.65), aperture=(0.6, 1.4), pixel=(0.1, 0.3)),
)  # fmt: skip
"""Blur and noise of the training of `micrograph`."""
DRAWS = 3
"""How often each real image is used."""
SYNTHETIC, UNSEEN = 32, 7000
"""Number of synthetic images, and a seed that no recipe uses."""
PHOTOGRAPHS = "7 photographs of Set14, shrunk by bicubic interpolation, as grey"
ABOUT = {
    "microscope": (
        "16 images of simulated fluorescence, with the optics and cameras of its training"
    ),
    "micrograph": "8 real light micrographs of 5 kinds, with the blur and noise of its training",
}
KINDS = "all other kinds of real images to one kind"
WORST = len(LEVELS)
"""Index of the worst image's coverage in what `coverage` returns."""
DIGITS = 4
"""Digits of a bound in the file that ships."""


def made(pictures: Sequence[Picture], degradation: Degradation, scale: int) -> Iterator[Pair]:
    """Yield the LR image that a degradation makes of each picture, and the truth, (H, W)."""
    pairs = Pairs(pictures, degradation, scale=scale, channels=1, full_range=True)
    for number in range(len(pairs)):
        small, large = pairs.whole(number, np.random.default_rng((UNSEEN, number)))
        yield small[0].numpy(), large[0].numpy()


def real_kinds(folder: Path, network: Any) -> dict[str, list[Pair]]:
    """Return spread and error of real images by their kind, the first word of their name."""
    kinds = [path.name.partition("-")[0] for path in files_of(folder)] * DRAWS
    pairs = list(made(of_folder(folder) * DRAWS, EXPOSURE, network.scale))
    found: dict[str, list[Pair]] = {}
    for kind, pair in zip(kinds, measured(network, pairs), strict=True):
        found.setdefault(kind, []).append(pair)
    return found


def left_out(kinds: dict[str, list[Pair]]) -> list[float]:
    """Return the coverage of each kind by bounds from the others, as `coverage` does."""
    inside, bounds = [], []
    for name, unseen in kinds.items():
        known = calibration_of([pair for kind in kinds if kind != name for pair in kinds[kind]])
        for spread, error in unseen:
            inside.append([float((error <= known.bound(spread, one)).mean()) for one in LEVELS])
            bounds.append(known.bound(spread, 0.9).ravel())
    shares = np.array(inside)
    worst = float(shares[:, LEVELS.index(0.9)].min())
    return [*shares.mean(axis=0).tolist(), worst, float(np.median(np.concatenate(bounds)))]


def groups(data: Path, family: str, scale: int) -> dict[str, list[Pair]]:
    """Return pairs by their use: "known" for the calibration, "unseen" for the test, and others."""
    if family == "microscope":
        pictures = SyntheticImages(SYNTHETIC, seed=UNSEEN).pictures()
        found = list(made(pictures, Microscope(OPTICS, CAMERA), scale))
        return {"known": found[::2], "unseen": found[1::2]}
    five, more = (list(photographs(data / name, scale)) for name in ("Set5", "Set14"))
    return {"known": more[::2], "unseen": more[1::2], "Set5": five}


def tested(found: dict[str, list[Pair]]) -> dict[str, list[float]]:
    """Return the coverage of the shipped bounds, and of bounds from another source, by name."""
    rows = {"calibration images to unseen images": coverage(found["known"], found["unseen"])}
    if "Set5" in found:
        rows["Set5 to Set14"] = coverage(found["Set5"], [*found["known"], *found["unseen"]])
    return rows


def shipped(pairs: Sequence[Pair], about: str, rows: dict[str, list[float]]) -> dict[str, Any]:
    """Return a calibration as JSON, with a sentence on its coverage in tests."""
    at = LEVELS.index(0.9)
    same, *other = (f"{one[at]:.0%} (worst image {one[WORST]:.0%})" for one in rows.values())
    kind = "kinds of images that were left out" if KINDS in rows else "unseen images of this kind"
    limits = f"in a test, it held for {same} of the pixels of {kind}"
    limits += f", and for {other[0]} between Set5 and Set14" if other else ""
    found = calibration_of(pairs, about=about).as_json()
    found["edges"] = [float(f"{one:.{DIGITS}g}") for one in found["edges"]]
    found["bounds"] = [[float(f"{one:.{DIGITS}g}") for one in row] for row in found["bounds"]]
    return {**found, "limits": limits}


def main() -> None:
    """Read the command line, calibrate all networks, print or write the table and the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5/ and Set14/")
    parser.add_argument("--real", type=Path, required=True, help="real images, never trained on")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--ship", action="store_true", help="write the file that ships")
    given = parser.parse_args()
    heading = " | ".join(f"{level:.0%}" for level in LEVELS)
    lines = [f"| model | from, to | {heading} | worst image at 90% | median bound, % |",
             f"|---|---|{'---|' * (len(LEVELS) + 2)}"]  # fmt: skip
    kept: dict[str, dict[str, Any]] = {}
    for family, scale in MODELS:
        network = napari_sr.load(family, scale)
        if family == "micrograph":
            kinds = real_kinds(given.real, network)
            found = {"known": [pair for pairs in kinds.values() for pair in pairs]}
            rows = {KINDS: left_out(kinds)}
        else:
            sorted_pairs = groups(given.data, family, scale)
            found = {use: measured(network, pairs) for use, pairs in sorted_pairs.items()}
            rows = tested(found)
        name = f"{family}-x{scale}"
        for title, (*shares, bound) in rows.items():
            cells = " | ".join(f"{share:.1%}" for share in shares)
            lines.append(f"| {name} | {title} | {cells} | {100 * bound:.1f} |")
            sys.stderr.write(f"{lines[-1]}\n")
        kept[network.provenance["sha256"]] = {
            "model": name, **shipped(found["known"], ABOUT.get(family, PHOTOGRAPHS), rows)
        }  # fmt: skip
    if given.ship:
        calibrations.write(kept)
    about = (
        f"`python benchmarks/quality/shipped_calibration.py`, commit {commit()}, torch "
        f"{torch.__version__}, {platform.machine()} CPU, {time.strftime('%Y-%m-%d')}. Bounds in "
        "percent of white minus black. The script explains the columns."
    )
    text = "\n".join(["# Do the bounds of the shipped networks hold?", "", about, "", *lines, ""])
    if given.write is None:
        print(text)
    else:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
