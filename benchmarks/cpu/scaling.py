"""Time per pixel and peak memory of `upscale` on a CPU, by the size of the image.

    python benchmarks/cpu/scaling.py DATA/Set5/HR/butterfly.png --sides 512 1024 2048 4096 8192

Each size runs in a separate process, because peak memory is measured per process. OpenVINO is
prepared by four runs, PyTorch by one; the time is the median of later runs. The photograph is
repeated to the wanted side, in uint8. "Processor" is the processor time of all threads, which other
programs change less than the time itself. Memory is the largest resident size of the process, minus
its resident size before the first run: during the first run, which PyTorch computes; during all
runs; and during the last runs, which are timed. Reading it needs Linux.

With `--turns`, one process runs the first side, another one and the first again, so that a machine
that becomes slower or faster changes all of them. Each size is prepared by three runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import napari_sr
from napari_sr.engine.backends.loaded import wait_for_trials

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parent))
from commit import commit  # the paths come first
from engines import photograph

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_sr.graph.network import Network


def peak() -> float:
    """Return the largest resident size of this process since `forget_peak`, in MiB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def forget_peak() -> None:
    """Let `peak` begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(image: Path, model: str, engine: str, side: int, runs: int) -> None:
    """Print one row."""
    network = napari_sr.load(model)
    pixels = photograph(image, side, grey=network.channels == 1)
    forget_peak()
    before = peak()
    napari_sr.upscale(pixels, network, device="cpu", engine=engine)
    first = peak() - before
    for _ in range(3 if engine != "torch" else 0):
        wait_for_trials()
        napari_sr.upscale(pixels, network, device="cpu", engine=engine)
    prepared = peak() - before
    times = []
    forget_peak()
    for _ in range(runs):
        began = time.perf_counter(), time.process_time()
        napari_sr.upscale(pixels, network, device="cpu", engine=engine)
        times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    seconds, processor = (median(each) for each in zip(*times, strict=True))
    each = f"{1e6 * seconds / side**2:.2f} | {1e6 * processor / side**2:.2f}"
    last = peak() - before
    columns = f"{seconds:.2f} | {each} | {first:.0f} | {max(prepared, last):.0f} | {last:.0f}"
    print(f"| {model} | {engine} | {side} | {columns} |", flush=True)


def seconds_of(pixels: NDArray[np.uint8], network: Network, engine: str) -> float:
    """Return the seconds of one run."""
    began = time.perf_counter()
    napari_sr.upscale(pixels, network, device="cpu", engine=engine)
    return time.perf_counter() - began


def compare(image: Path, model: str, engine: str, sides: Sequence[int], runs: int) -> None:
    """Print a row for each side after the first, which runs before and after it."""
    network = napari_sr.load(model)
    planes = [photograph(image, side, grey=network.channels == 1) for side in sides]
    for pixels in planes * 3:  # compiled, loaded and checked
        seconds_of(pixels, network, engine)
        wait_for_trials()
    for side, pixels in zip(sides[1:], planes[1:], strict=True):
        each = [
            [1e6 * seconds_of(one, network, engine) / one.shape[0] ** 2 for one in turn]
            for turn in [(planes[0], pixels, planes[0])] * runs
        ]
        before, between, after = (median(turn) for turn in zip(*each, strict=True))
        around = f"{before:.2f}, {after:.2f} | {2 * between / (before + after):.2f}"
        print(f"| {model} | {engine} | {side} | {between:.2f} | {around} |", flush=True)


def main() -> None:
    """Measure each engine and size in a separate process."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("image", type=Path, help="a photograph")
    options.add_argument("--models", nargs="+", default=["fsrcnn-x2"])
    options.add_argument("--engines", nargs="+", default=["torch", "openvino"])
    options.add_argument("--sides", nargs="+", type=int, default=[512, 1024, 2048, 4096])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--one", action="store_true", help="measure in this process")
    options.add_argument("--turns", action="store_true", help="compare with the first side")
    wanted = options.parse_args()
    if wanted.one:
        [model], [engine], [side] = wanted.models, wanted.engines, wanted.sides
        measure(wanted.image, model, engine, side, wanted.runs)
        return
    print(f"commit {commit()}\n")
    if wanted.turns:
        print("| network | engine | side | us per pixel | at the first side | ratio |")
        print("|---|---|---|---|---|---|", flush=True)
        for model in wanted.models:
            for engine in wanted.engines:
                compare(wanted.image, model, engine, wanted.sides, wanted.runs)
        return
    peaks = "peak of a first run, MiB | peak, MiB | peak of the last runs, MiB"
    columns = f"s | us per pixel | processor, us per pixel | {peaks}"
    print(f"| network | engine | side | {columns} |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for model in wanted.models:
        for engine in wanted.engines:
            for side in wanted.sides:
                one = ["--models", model, "--engines", engine, "--sides", str(side)]
                command = [sys.executable, __file__, str(wanted.image), *one, "--one"]
                subprocess.run([*command, "--runs", str(wanted.runs)], check=True)


if __name__ == "__main__":
    main()
