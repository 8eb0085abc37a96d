"""Measure peak memory by size of tile and image: the tile limits it, not the image.

    python benchmarks/memory/tile_memory.py --weights WEIGHTS [--scratch FOLDER]
    python benchmarks/memory/tile_memory.py ... --side 6000 --seconds 600

On the CPU, a tile is in the memory of the process. The anonymous memory of a process that upscales
an image is sampled ten times a second; the anonymous memory with only the network loaded is
subtracted. Features are stored in files, whose memory is not anonymous, so only the tile counts.
With --side, one image is upscaled with the default settings for at most --seconds; progress is
printed every minute to standard error. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch

from napari_sr import load
from napari_sr.engine.execution import plane
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings

TILES = (96, 192, 384)
SIDES = (400, 800)


def anonymous() -> int:
    """Return the anonymous memory of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


class Watch(threading.Thread):
    """A thread that samples the peak anonymous memory of this process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        """Sample ten times a second."""
        while True:
            self.peak = max(self.peak, anonymous())
            time.sleep(0.1)


def measure(model: str, side: int, tile: int | None, seconds: float) -> dict[str, float]:
    """Upscale a square of noise; return memory, tiles and seconds."""
    network = load(model)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    if tile is not None:
        plane.memory_for_features = lambda: 0
    before, watch, began = anonymous(), Watch(), time.monotonic()
    watch.start()
    steps = upscale_array(image, network, Settings(device="cpu", tile=tile))
    done, total, reported = 0, 1, began
    for step in steps:
        done, total, now = step.done, step.total, time.monotonic()
        if now - reported > 60:
            reported = now
            note = f"{done} of {total} tiles, {now - began:.0f} s, {watch.peak / 2**30:.2f} GiB"
            print(note, file=sys.stderr, flush=True)
        if now - began > seconds:
            break
    steps.close()
    return {
        "bytes": watch.peak - before, "process": watch.peak, "done": done, "total": total,
        "seconds": time.monotonic() - began, "result": image.nbytes * network.scale**2,
    }  # fmt: skip


def row(model: str, side: int, tile: int | None, seconds: float) -> str:
    """Measure in a separate process; return a row of the table."""
    arguments = [model, str(side), str(tile or 0), str(seconds)]
    command = [sys.executable, __file__, "--measure", *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(run.stdout)
    beyond = (found["bytes"] - found["result"]) / 2**20
    return (
        f"| {side} x {side} | {tile or 'automatic'} | {beyond:.0f} | {found['result'] / 2**20:.0f} "
        f"| {found['process'] / 2**30:.2f} | {found['done']:.0f} of {found['total']:.0f} "
        f"| {found['seconds']:.0f} |"
    )


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--measure"]:
        model, side, tile, seconds = sys.argv[2:]
        print(json.dumps(measure(model, int(side), int(tile) or None, float(seconds))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--model", default="bsrn-x2")
    parser.add_argument("--scratch", type=Path, help="folder for stored features")
    parser.add_argument("--side", type=int)
    parser.add_argument("--seconds", type=float, default=1e9)
    given = parser.parse_args()
    for name, folder in (
        ("NAPARI_SR_WEIGHTS", given.weights),
        ("NAPARI_SR_SCRATCH", given.scratch),
    ):
        if folder is not None:
            os.environ[name] = str(folder.resolve())
    print(f"{given.model}, {platform.machine()} CPU, torch {torch.__version__}\n")
    print(
        "| image | tile | MiB beyond image, network and result | result, MiB | process, GiB "
        "| tiles done | seconds |\n|---|---|---|---|---|---|---|"
    )
    if given.side:
        print(row(given.model, given.side, None, given.seconds), flush=True)
        return
    for tile in TILES:
        for side in SIDES:
            print(row(given.model, side, tile, given.seconds), flush=True)


if __name__ == "__main__":
    main()
