"""How much time does the comparison of result and source take? At most 5 % of a run.

    python benchmarks/quality/consistency_cost.py
    python benchmarks/quality/consistency_cost.py --side 512 --repeats 9 --write FILE

Every run records figures of consistency, which compare its result with the source. Each row is a
run of `napari_sr.runs.job.run` on a layer, as in the form. After each run, its figures are computed
again and timed. The column "cost" is the median of figures divided by run: if other programs run,
times scatter, but ratios of neighbouring times scatter less. The first run, which compiles, does
not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.commit import commit

from napari_sr.atomic_write import atomic_write
from napari_sr.consistency.figures import KEY
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs import job
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive
from napari_sr.runs.source import Source

CASES = (
    ("fsrcnn", 2, "openvino"), ("fsrcnn", 4, "openvino"), ("bicubic", 2, "torch"),
    ("microscope", 2, "openvino"), ("fsrcnn", 2, "torch"),
)  # fmt: skip
"""Model, scale and engine; the fastest runs first."""


def image_of(side: int) -> np.ndarray[Any, Any]:
    """Return an image with structure and noise, uint16, (side, side)."""
    random = np.random.default_rng(0)
    y, x = np.indices((side, side)) / 20
    return random.poisson(2000 + 1500 * np.sin(y + np.cos(x))).astype(np.uint16)


def cost_of(model: str, scale: int, engine: str, side: int, repeats: int) -> list[Any]:
    """Return a row: seconds of a run, of its figures, their ratio, and the pixels compared."""
    pixels = image_of(side)
    source = Source("layer", pixels, pixels.shape, "YX", rgb=False)
    settings = Settings(device="cpu", engine=engine)
    request = Request(source, ModelReference.of(model, scale), settings)
    runs, costs = [], []
    for number in range(repeats + 1):
        began = time.perf_counter()
        result = drive(job.run(request))
        ended = time.perf_counter()
        with_consistency({**result.record, "plane": None}, pixels, result.pixels, "YX")
        last = time.perf_counter()
        if number:  # the first run loads and compiles
            runs.append(ended - began)
            costs.append(last - ended)
    ratios = [cost / (run - cost) for run, cost in zip(runs, costs, strict=True)]
    found: Any = result.record
    compared = found[KEY]["pixels"]
    name = f"{model} x{scale}, {found['engine']['name']}"
    return [name, statistics.median(runs), statistics.median(costs),
            statistics.median(ratios), compared]  # fmt: skip


def main() -> None:
    """Measure all cases, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024, help="side of the image in pixels")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", type=Path, help="file for the table")
    asked = parser.parse_args()
    lines = [
        "# What the figures of consistency cost",
        "",
        f"`python benchmarks/quality/consistency_cost.py --side {asked.side}`, {commit()}, medians "
        f'of {asked.repeats} runs, on {asked.side} x {asked.side} px of uint16. "Cost" is the '
        "time of the figures as a share of the rest of the run.",
        "",
        "| run | seconds | figures, seconds | cost | values compared |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        name, run, cost, ratio, compared = cost_of(*case, asked.side, asked.repeats)
        lines.append(f"| {name} | {run:.2f} | {cost:.4f} | {ratio:.1%} | {compared:,} |")
        print(lines[-1], flush=True)
    if asked.write is not None:
        with atomic_write(asked.write) as file:
            file.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
