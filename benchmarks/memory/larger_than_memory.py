"""Measure memory and time of upscaling an OME-Zarr, by its size; it may be larger than memory.

    python benchmarks/memory/larger_than_memory.py DATA/Set5/HR/butterfly.png --sides 2048 8192

The photograph is converted to grey in uint16, a ramp is added, and it is repeated to the wanted
side and written as an OME-Zarr in chunks of 1024 px. A separate process runs `napari-sr upscale
IN.zarr OUT.zarr`. Its resident size is sampled every 50 ms; the memory of an interpreter that has
imported torch is subtracted. "Network" is the time per pixel of `upscale` in memory on a window of
one block, measured before and after the command with the same engine; "share" is its share of the
command's time per pixel. "CPU" is the time of all cores, including system calls; other programs
affect it less. The start-up time, measured with an image of 64 px, is subtracted.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import zarr
from PIL import Image

import napari_sr
from napari_sr.engine.backends.loaded import wait_for_trials

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

BAND = 1024
"""Number of rows that are written at a time."""

STARTS = 5
"""Runs that the time of a start, and of a short run, is the median of: they scatter by 2 s."""
SHORT = 4096
"""Largest side of an image whose run is short."""


def write_source(photograph: Path, folder: Path, side: int) -> None:
    """Write the source as an OME-Zarr, band by band."""
    grey = np.asarray(Image.open(photograph).convert("L"), np.uint16) * 200
    array = zarr.create_array(
        folder / "0", shape=(side, side), chunks=(BAND, BAND), dtype="u2", overwrite=True
    )
    across = np.tile(grey, (-(-BAND // grey.shape[0]), -(-side // grey.shape[1])))[:BAND, :side]
    for top in range(0, side, BAND):
        array[top : top + BAND] = across[: side - top] + np.uint16(top // BAND)
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [0.5, 0.5]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
    zarr.open_group(folder, mode="a", attributes=attributes)


def resident_of_torch() -> float:
    """Return the resident size in MiB of an interpreter that has imported torch."""
    code = "import torch, psutil; print(psutil.Process().memory_info().rss)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) / 2**20


def cpu_of(who: int) -> float:
    """Return the processor seconds that this process, or its children, have used."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def command(source: Path, target: Path, words: list[str]) -> tuple[float, float, float]:
    """Run the command; return seconds, processor seconds, and largest resident size in MiB."""
    shutil.rmtree(target, ignore_errors=True)
    began, before = time.perf_counter(), cpu_of(resource.RUSAGE_CHILDREN)
    process = psutil.Popen(
        [sys.executable, "-m", "napari_sr", "upscale", source, target, *words],
        stderr=subprocess.PIPE,
    )
    largest = 0.0
    while process.poll() is None:
        try:
            largest = max(largest, process.memory_info().rss / 2**20)
        except psutil.Error:
            break
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    if process.wait():
        raise SystemExit(process.stderr.read().decode())
    return seconds, cpu_of(resource.RUSAGE_CHILDREN) - before, largest


def in_turns(source: Path, target: Path, words: list[str], turns: int) -> tuple[float, ...]:
    """Run the command several times; return the medians of what `command` returns."""
    found = [command(source, target, words) for _ in range(turns)]
    return tuple(median(values) for values in zip(*found, strict=True))


def network_time(photograph: Path, side: int, engine: str, runs: int) -> tuple[float, float]:
    """Return microseconds per pixel of `upscale` on a square: elapsed and processor time."""
    grey = np.asarray(Image.open(photograph).convert("L"), np.uint16) * 200
    pixels = np.tile(grey, (side // min(grey.shape) + 1,) * 2)[:side, :side].copy()
    network = napari_sr.load("fsrcnn", 2)
    for _ in range(3 if engine != "torch" else 1):
        napari_sr.upscale(pixels, network, engine=engine, device="cpu")
        wait_for_trials()
    times, cpus = [], []
    for _ in range(runs):
        began, before = time.perf_counter(), cpu_of(resource.RUSAGE_SELF)
        napari_sr.upscale(pixels, network, engine=engine, device="cpu")
        times.append(time.perf_counter() - began)
        cpus.append(cpu_of(resource.RUSAGE_SELF) - before)
    return 1e6 * median(times) / side**2, 1e6 * median(cpus) / side**2


def main() -> None:
    """Print a table with one row per size."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("photograph", type=Path)
    options.add_argument("--sides", nargs="+", type=int, default=[2048, 8192])
    options.add_argument("--engine", default="torch")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    words = ["--engine", given.engine, "--device", "cpu"]
    print(
        f"# An OME-Zarr that may be larger than memory\n\nFSRCNN x2, uint16, commit {commit()}.\n"
    )
    print(
        "| side | s | us per pixel | network | share | CPU us per pixel | network | share | MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    base = resident_of_torch()
    try:
        write_source(given.photograph, folder / "small.zarr", 64)
        source, target = folder / "small.zarr", folder / "out.zarr"
        start, start_cpu, _ = in_turns(source, target, words, STARTS)
        for side in given.sides:
            write_source(given.photograph, folder / "in.zarr", side)
            before = network_time(given.photograph, 1044, given.engine, 5)
            turns = STARTS if side <= SHORT else 1
            seconds, cpu, largest = in_turns(folder / "in.zarr", target, words, turns)
            after = network_time(given.photograph, 1044, given.engine, 5)
            row = f"| {side} | {seconds:.1f} |"
            spans = ((seconds - start, 0), (cpu - start_cpu, 1))
            for spent, kind in spans:
                each, network = 1e6 * spent / side**2, (before[kind] + after[kind]) / 2
                row += f" {each:.2f} | {network:.2f} | {network / each:.2f} |"
            print(f"{row} {largest - base:.0f} |", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
