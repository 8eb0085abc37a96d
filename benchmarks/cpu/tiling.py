"""Error and time of exact tiles and of tiles that merely overlap.

    python benchmarks/cpu/tiling.py --weights WEIGHTS --image IMAGE.png

Measures every known network and an untrained RRDB. The error is the largest difference between the
tiled and the untiled result, as a share of the range and in grey levels of 255. All ways run
alternately, and the time is the best of --repeats. Prints Markdown with versions and commit.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from napari_sr import load, models, upscale
from napari_sr.zoo.registry import entries

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

HEIGHT, WIDTH = 253, 291
"""Largest side of the measured crop, in LR pixels."""
TILES = (60, 96, 126)
OVERLAP = 16


def networks(weights: Path | None) -> Iterator[tuple[str, Network]]:
    """Yield every known network, and an RRDB with few blocks."""
    if weights is not None:
        os.environ["NAPARI_SR_WEIGHTS"] = str(weights)
    for entry in entries():
        yield entry.name, load(entry.name)
    torch.manual_seed(0)
    deep = models.architecture("rrdbnet").network(scale=4, blocks=4)
    yield "RRDB x4, 4 blocks, untrained", deep.eval()


def measure(image: NDArray[Any], network: Network, tile: int, repeats: int) -> list[str]:
    """Return the cells of one row: differences, times, and their ratio."""
    ways: dict[str, dict[str, int]] = {
        "whole": {"tile": 4096}, "exact": {"tile": tile}, "overlap": {"tile": tile, "halo": OVERLAP}
    }  # fmt: skip
    seconds = dict.fromkeys(ways, float("inf"))
    results = {}
    for _ in range(repeats):
        for way, options in ways.items():
            began = time.perf_counter()
            results[way] = upscale(image, network, device="cpu", outliers="keep", **options)
            seconds[way] = min(seconds[way], time.perf_counter() - began)
    whole = results["whole"]
    exact, overlap = (float(np.abs(results[way] - whole).max()) for way in ("exact", "overlap"))
    return [
        f"{exact / np.ptp(whole):.1e}",
        f"{255 * overlap:.1f}",
        *(f"{seconds[way]:.1f}" for way in ways),
        f"{seconds['exact'] / seconds['overlap']:.2f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of models")
    given = parser.parse_args()
    image = np.array(Image.open(given.image).convert("RGB"))[:HEIGHT, :WIDTH].astype(np.float32)
    size = "x".join(map(str, image.shape[:2]))
    print(f"{size} px of {given.image.name}; {platform.machine()} CPU of {os.cpu_count()} cores, ")
    print(f"torch {torch.__version__}, commit {commit()}\n")
    columns = (
        "model", "tile", "exact tiles differ by (share of range)",
        f"tiles overlapping by {OVERLAP} px differ by (grey levels)", "whole, s", "exact, s",
        "overlap, s", "exact / overlap",
    )  # fmt: skip
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for name, network in networks(given.weights):
        if given.only and name not in given.only:
            continue
        for tile in TILES:
            cells = measure(image / 255, network, tile, given.repeats)
            print(f"| {name} | {tile} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
