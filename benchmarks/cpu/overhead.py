"""Measure what `upscale` adds to the time of a bare network on a CPU.

    python benchmarks/cpu/overhead.py DATA/Set5/HR/butterfly.png --models fsrcnn-x2 edsr-slim-x2

The bare network is the loaded network itself, called in PyTorch without gradients on one plane of
float32. `upscale` runs with PyTorch too: it also checks the values, converts them from and to
uint8, and divides the plane into tiles if it does not fit. Both compute with zeros beyond the
border. They take turns, and each time is a median. A negative share means that `upscale` is faster.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

import napari_sr

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parent))
from commit import commit  # the paths come first
from engines import photograph

if TYPE_CHECKING:
    from collections.abc import Callable

PLANES = 64
"""Planes of the stack."""
PLANE_SIDE = 128
"""Side of a plane of the stack, in pixels: so small that work per plane shows."""


def medians(calls: list[Callable[[], object]], runs: int) -> list[float]:
    """Return the median seconds of each call; the calls take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(runs + 1):
        for call, found in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            if turn:  # the first turn prepares: it allocates memory and imports modules
                found.append(time.perf_counter() - began)
    return [median(found) for found in times]


def bare(network: torch.nn.Module, planes: list[torch.Tensor]) -> Callable[[], object]:
    """Return a call that computes planes, each (1, C, H, W), one after the other."""

    @torch.inference_mode()
    def call() -> None:
        for plane in planes:
            network(plane)

    return call


def measure(model: str, image: Path, side: int, runs: int, *, stack: bool) -> str:
    """Return one row of the table."""
    network = napari_sr.load(model)
    pixels = photograph(image, side, grey=network.channels == 1)
    channels_first = np.atleast_3d(pixels).transpose(2, 0, 1)[None]
    plane = torch.from_numpy((channels_first / 255).astype(np.float32))
    plane = plane.contiguous(memory_format=torch.channels_last)
    count = PLANES if stack else 1
    source = np.repeat(pixels[None], count, axis=0) if stack else pixels
    alone, whole = medians(
        [
            bare(network, [plane] * count),
            lambda: napari_sr.upscale(
                source, network, device="cpu", engine="torch", border="zeros"
            ),
        ],
        runs,
    )
    what = f"{count} x {side} x {side}" if stack else f"{side} x {side}"
    share = f"{whole / alone - 1:+.1%}"
    cells = [f"{1e3 * alone:.1f}", f"{1e3 * whole:.1f}", share]
    return f"| {' | '.join([model, what, *cells, f'{1e3 * (whole - alone) / count:.2f}'])} |"


def main() -> None:
    """Measure each network, at each side and as a stack."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("image", type=Path, help="a photograph")
    options.add_argument("--models", nargs="+", default=["fsrcnn-x2", "edsr-slim-x2", "imdn-x2"])
    options.add_argument("--sides", nargs="+", type=int, default=[256, 1024])
    options.add_argument("--runs", type=int, default=7)
    wanted = options.parse_args()
    print(f"commit {commit()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| network | image | bare network, ms | `upscale`, ms | added | ms more a plane |")
    print("|---|---|---|---|---|---|", flush=True)
    for model in wanted.models:
        for side in wanted.sides:
            print(measure(model, wanted.image, side, wanted.runs, stack=False), flush=True)
        print(measure(model, wanted.image, PLANE_SIDE, wanted.runs, stack=True), flush=True)


if __name__ == "__main__":
    main()
