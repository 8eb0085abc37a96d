"""The parts of first_gpu.py that import torch; each runs in a separate process.

    python benchmarks/gpu/first_gpu_inside.py facts | engine | train STEPS | bsconv

The last line of the output is JSON. Without a GPU, this is a dry run at toy sizes.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from timing import DEVICE, ON_GPU, ROOT, environment, op_arguments

# timing comes first: it sets the path of the sources, and how kernels run
# isort: split
import sr_kernels
from napari_sr import models
from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.run import drive

SIDE = 700 if ON_GPU else 24
"""Side of the images in pixels; enough for several tiles of one shape, as CUDA graphs need."""
TILE = 256 if ON_GPU else None
STAGED_TILES = (128, 256, 512) if ON_GPU else (20,)
SMALL: dict[str, int] = {} if ON_GPU else {"blocks": 1, "features": 16}
IMAGES = {"grey": (), "RGB": (3,), "RGBA": (4,)}
LAYERS: dict[str, dict[str, int]] = {"bsrn": SMALL, "fsrcnn": {}}
if ON_GPU:
    LAYERS |= {"bsrn_s": {}, "rfdn": {}, "imdn": {}}
RECIPE = ROOT / "src/napari_sr/training/recipes/bsrn-gpu-x4.toml"


def facts() -> dict[str, Any]:
    """Return the device, driver and tools of this computer."""
    found: dict[str, Any] = {
        **environment(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
    }
    headers = Path(sysconfig.get_paths()["include"], "Python.h")
    found |= {"gcc": bool(shutil.which("gcc") or shutil.which("cc")), "Python.h": headers.is_file()}
    found |= {tool: bool(shutil.which(tool)) for tool in ("ncu", "compute-sanitizer", "ptxas")}
    if ON_GPU:
        card = torch.cuda.get_device_properties(0)
        found |= {"capability": f"{card.major}.{card.minor}", "memory_gib": card.total_memory >> 30}
        found["processors"] = card.multi_processor_count
        query = ["nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm", "--format=csv"]
        found["nvidia-smi"] = subprocess.run(
            query, capture_output=True, text=True, check=False
        ).stdout.splitlines()[-1:]
    return found


def upscaled(image: np.ndarray, network: Any, kernels: str, tile: int | None = TILE) -> Any:
    """Upscale an image through the engine."""
    precision = "float16" if ON_GPU else "float32"
    options = Settings(
        tile=tile, device=str(DEVICE), precision=precision, kernels=kernels, outliers="keep"
    )
    return drive(upscale_array(image, network, options))


def engine() -> dict[str, Any]:
    """Upscale grey, RGB and RGBA images with every network, and compare with plain PyTorch."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / 40
    plane = 0.5 + 0.4 * np.sin(rows) * np.cos(columns)
    found: dict[str, Any] = {}
    for name, options in LAYERS.items():
        torch.manual_seed(0)
        network = models.architecture(name).network(scale=2, **options).eval().to(DEVICE)
        for kind, channels in IMAGES.items():
            image = np.broadcast_to(plane.reshape(SIDE, SIDE, *([1] * len(channels))),
                                    (SIDE, SIDE, *channels)).astype(np.float32)  # fmt: skip
            found[f"{name}, {kind}"] = compared(image, network)
        if name == "bsrn":
            found["bsrn in stages"] = run_in_stages(plane.astype(np.float32), network)
    return found


def run_in_stages(plane: np.ndarray, network: Any) -> dict[str, Any]:
    """Upscale a stack in stages, with CUDA graphs and without; return seconds and difference."""
    stack = np.stack([plane] * (3 if ON_GPU else 1))
    found: dict[str, Any] = {"code": 0}
    for tile in STAGED_TILES:
        results = []
        for words, most in (("with graphs", 10**9), ("without", 0)):
            graphs = partial(Graphs, pixels=most)
            with mock.patch("napari_sr.engine.execution.prepared.Graphs", graphs):
                both = [upscaled(stack, network, "auto", tile) for _ in range(1 + ON_GPU)]
            results.append(both[-1].pixels)
            found[f"seconds {words}, tiles of {tile} px"] = both[-1].record["seconds"]
            if most:
                found[f"graphs, tiles of {tile} px"] = both[-1].record["engine"]
        found[f"difference, tiles of {tile} px"] = float(np.abs(results[0] - results[1]).max())
    return found


def compared(image: np.ndarray, network: Any) -> dict[str, Any]:
    """Upscale an image with kernels; return facts of the run, and its difference from PyTorch."""
    try:
        began = time.monotonic()
        ours = upscaled(image, network, "auto")
        seconds = time.monotonic() - began
        plain = upscaled(image, network, "reference")
    except (RuntimeError, ValueError, OSError) as error:
        return {"code": 1, "said": f"{type(error).__name__}: {error}"[:300]}
    span = float(np.ptp(plain.pixels)) or 1.0
    return {
        "code": 0,
        "seconds": round(seconds, 2),
        "difference, share of the range": float(np.abs(ours.pixels - plain.pixels).max()) / span,
        "distrusted": ours.record["kernels"]["distrusted"],
        "launches": sum(ours.record["kernels"]["launched"].values()),
        "graphs": ours.record["engine"],
        "notes": ours.record["notes"],
    }


def train(steps: int) -> dict[str, Any]:
    """Train a recipe on synthetic images, and report the time of a step."""
    from train_gpu import made

    from napari_sr.training.config import Config
    from napari_sr.training.data.pictures import of_array
    from napari_sr.training.data.training_data import TrainingData
    from napari_sr.training.session import Session
    from napari_sr.training.trainer import train as run

    config = made(Config, {"name": RECIPE.stem, **tomllib.loads(RECIPE.read_text())})
    toy = {} if ON_GPU else {"precision": "float32", "compile": False}
    times = {"report_every": 1, "validate_every": steps, "save_every": steps}
    config = replace(config, run=replace(config.run, steps=steps, **toy, **times))
    data = {"batch": 256, "crop": 32} if ON_GPU else {"batch": 1, "crop": 16}
    config = replace(config, data=replace(config.data, **data, validation_size=96, sizes=(1.0,)))
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (8, 320, 320, 3), dtype=np.uint8)
    learnt = [picture for image in images for picture in of_array(image, axes="YXC", name="noise")]
    moments: dict[int, float] = {}
    losses: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for progress in run(config, TrainingData(learnt[1:], learnt[:1]), Session(Path(folder))):
            moments.setdefault(progress.step, time.perf_counter())
            losses[progress.step] = float(progress.loss)
    # the second half, after compiling and tuning
    each = np.diff(list(moments.values()))[len(moments) // 2 - 1 :]
    return {
        "steps": steps,
        "milliseconds a step": round(1e3 * float(np.median(each)), 1),
        "losses": [losses[step] for step in sorted(losses)[:: max(len(losses) // 5, 1)]],
    }


def bsconv() -> dict[str, Any]:
    """Launch bsconv several times, for a profiler."""
    arguments = op_arguments("bsconv", 64, (2048, 2048) if ON_GPU else (5, 7))
    for _ in range(8):
        sr_kernels.op("bsconv").launch(*arguments)
    return {}


def main() -> None:
    """Run one part, and print its result as JSON."""
    what, *rest = sys.argv[1:]
    parts = {"facts": facts, "engine": engine, "train": train, "bsconv": bsconv}
    print(json.dumps(parts[what](*map(int, rest)), default=str))


if __name__ == "__main__":
    main()
