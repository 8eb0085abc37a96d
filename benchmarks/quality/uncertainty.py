"""Does the spread over eight views rank true errors, and are calibrated bounds right? At x2.

    cd benchmarks/quality
    python uncertainty.py DATA --write uncertainty.md
    python uncertainty.py DATA --model runs/mine/mine.safetensors

Photographs are Set5 and Set14 as grey, with the sets' own LR images. Microscopy is the synthetic
fluorescence of `microscope.py`, at several light levels. `scale` pixels of border are left out.

* Spearman, AUSE, gain: see `napari_sr.evaluation.ranking`; means over images. Pixels are ranked
  within each image.
* Coverage: the share of pixels whose error is below the calibrated bound, on images that the
  calibration has not seen; also the lowest coverage of a single image.

`--facts` updates the file of figures that the program shows; figures of other models are kept.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from microscope import pictures_of, recorded

import napari_sr
from napari_sr.evaluation.conformal import LEVELS, calibration_of
from napari_sr.evaluation.ranking import ranking
from napari_sr.evaluation.sets import ImageSet

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MODELS = ("fsrcnn", "edsr-slim", "microscope")
PHOTONS = (30, 300, 3000)
LUMA = np.array([0.299, 0.587, 0.114])
LIGHT = "synthetic fluorescence, {} photons"
BRIGHT = LIGHT.format(300)

Pair = tuple["NDArray[Any]", "NDArray[Any]"]


def grey(image: NDArray[Any], white: float) -> NDArray[np.float32]:
    """Return an image as grey, (H, W) in 0..1."""
    wide = image.astype(np.float64) / white
    return (wide @ LUMA if wide.ndim == 3 else wide).astype(np.float32)


def photographs(folder: Path, scale: int) -> Iterator[Pair]:
    """Yield the LR and HR images of a set."""
    for pair in ImageSet(folder).pairs(scale):
        white = pair.white or float(np.iinfo(pair.hr.dtype).max)
        yield grey(pair.lr, white), grey(pair.hr, white)


def images_of(data: Path, scale: int, photons: Sequence[float]) -> dict[str, list[Pair]]:
    """Return all pairs by the name of their set."""
    found = {name: list(photographs(data / name, scale)) for name in ("Set5", "Set14")}
    synthetic = pictures_of(data)["synthetic fluorescence"]
    return found | {LIGHT.format(one): recorded(synthetic, one, scale) for one in photons}


def measured(network: Any, pairs: Sequence[Pair]) -> list[Pair]:
    """Return spread and error of each image, without the border."""
    found = []
    for small, large in pairs:
        result, spread = napari_sr.uncertainty(
            small, network, axes="YX", device="cpu", value_range=(0, 1)
        )
        inner = (slice(network.scale, -network.scale),) * 2
        found.append((spread[inner], np.abs(result - large)[inner]))
    return found


def ranks(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return the figures of the ranking, as means over images."""
    all_of = [ranking(*pair) for pair in pairs]
    error, spread = (float(np.mean([one[at].mean() for one in pairs])) for at in (1, 0))
    means = {key: float(np.mean([getattr(one, key) for one in all_of]))
             for key in ("spearman", "ause", "gain")}  # fmt: skip
    return {**{key: round(value, 3) for key, value in means.items()},
            "error": round(error, 5), "spread": round(spread, 5), "images": len(pairs)}  # fmt: skip


def coverage(known: Sequence[Pair], unseen: Sequence[Pair]) -> list[float]:
    """Return coverage at each level, coverage of the worst image at 90 %, and the median bound."""
    calibration = calibration_of(known)
    inside = [
        [float((error <= calibration.bound(spread, level)).mean()) for spread, error in unseen]
        for level in LEVELS
    ]
    bound = np.median(np.concatenate([calibration.bound(s, 0.9).ravel() for s, _ in unseen]))
    return [*(float(np.mean(one)) for one in inside), min(inside[LEVELS.index(0.9)]), float(bound)]


def splits(found: dict[str, list[Pair]]) -> dict[tuple[str, str], tuple[list[Pair], list[Pair]]]:
    """Return calibration and test images, by their names."""
    photos, lights = found["Set14"], found[BRIGHT]
    return {
        ("Set5", "Set14"): (found["Set5"], photos),
        ("one half of Set14", "the other half"): (photos[::2], photos[1::2]),
        (f"one half of {BRIGHT}", "the other half"): (lights[::2], lights[1::2]),
        ("Set14", LIGHT.format(3000)): (photos, found[LIGHT.format(3000)]),
        ("Set14", LIGHT.format(30)): (photos, found[LIGHT.format(30)]),
    }


def tables(
    data: Path, models: Sequence[str], scale: int
) -> tuple[list[str], dict[str, dict[str, dict[str, float]]]]:
    """Return lines of Markdown, and the figures of the ranking by model and kind."""
    images = images_of(data, scale, PHOTONS)
    ranked = ["| images | model | Spearman | AUSE | gain | mean error, % | mean spread, % |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    heading = " | ".join(f"{level:.0%}" for level in LEVELS)
    covered = [
        f"| model | calibrated on | tested on | {heading} | worst image at 90% | median bound, % |",
        f"|---|---|---|{'---|' * (len(LEVELS) + 2)}",
    ]
    facts: dict[str, dict[str, dict[str, float]]] = {}
    for name in models:
        network = napari_sr.load(name, scale)
        title = f"{Path(name).stem.removesuffix(f'-x{scale}')}-x{scale}"
        found = {kind: measured(network, pairs) for kind, pairs in images.items()}
        facts[title] = {kind: ranks(pairs) for kind, pairs in found.items() if kind != "Set5"}
        for kind, one in facts[title].items():
            ranked.append(
                f"| {kind} | {title} | {one['spearman']:.2f} | {one['ause']:.2f} | "
                f"{one['gain']:.2f} | {100 * one['error']:.2f} | {100 * one['spread']:.2f} |"
            )
        for (known, unseen), split in splits(found).items():
            *shares, bound = coverage(*split)
            cells = " | ".join(f"{share:.1%}" for share in shares)
            covered.append(f"| {title} | {known} | {unseen} | {cells} | {100 * bound:.1f} |")
        sys.stderr.write(f"{title} done\n")
    head, *rows = ranked[1:]
    rows.sort(key=lambda row: list(images).index(row.split(" | ")[0].removeprefix("| ")))
    ranking_lines = ["## Does the spread rank errors?", "", ranked[0], head, *rows, ""]
    return [*ranking_lines, "## Do calibrated errors hold?", "", *covered, ""], facts


def main() -> None:
    """Read the command line, measure the models, print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with Set5/ and Set14/")
    parser.add_argument("--model", action="append", help="a name or a file; may be repeated")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--facts", type=Path, help="JSON file of figures to update")
    given = parser.parse_args()
    begun = time.perf_counter()
    lines, facts = tables(given.data, given.model or MODELS, given.scale)
    about = (
        f"`python benchmarks/quality/uncertainty.py`, commit {commit()}, torch "
        f"{torch.__version__}, {platform.machine()} CPU, {time.strftime('%Y-%m-%d')}, "
        f"{time.perf_counter() - begun:.0f} s. Scale {given.scale}; errors, spreads and bounds in "
        "percent of white minus black. The script explains the columns."
    )
    text = "\n".join(["# The spread and true errors", "", about, "", *lines])
    if given.facts is not None:
        known = json.loads(given.facts.read_text("utf-8")) if given.facts.exists() else {}
        models = dict(sorted({**known.get("models", {}), **facts}.items()))
        told = {"measured": about.partition(", ")[2].partition(", torch")[0], "models": models}
        given.facts.write_text(f"{json.dumps(told, indent=1)}\n", encoding="utf-8")
    if given.write is None:
        print(text)
    else:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
