"""Measure training runs: time of a step, adversarial losses, several processes, gain over bicubic.

    python benchmarks/cpu/training.py speed bsrn-gpu-x4 --steps 200  # also steps in half an hour
    python benchmarks/cpu/training.py adversaries                    # 200 steps with each critic
    python benchmarks/cpu/training.py together                       # two processes, by torchrun
    python benchmarks/cpu/training.py gain fsrcnn-x3 --data DATA/train --minutes 5

All except `gain` use synthetic images.

Symbols: H x W pixels.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "kernels")]

import numpy as np  # noqa: E402  # the paths come first
import torch  # noqa: E402

from napari_sr.evaluation._imresize import imresize  # noqa: E402
from napari_sr.evaluation._psnr import psnr  # noqa: E402
from napari_sr.training import recipe  # noqa: E402
from napari_sr.training.data.draws import crops_of  # noqa: E402
from napari_sr.training.data.pictures import of_array  # noqa: E402
from napari_sr.training.data.training_data import TrainingData, of_folders, pairs_of  # noqa: E402
from napari_sr.training.learner import Learner  # noqa: E402
from napari_sr.training.log import rows  # noqa: E402
from napari_sr.training.session import Session  # noqa: E402
from napari_sr.training.trainer import train  # noqa: E402

if TYPE_CHECKING:
    from napari_sr.training.config import Config

HALF_AN_HOUR = 1800


def images(count: int, size: int) -> TrainingData:
    """Draw 8-bit images of soft discs, (size, size, 3); hold two of them out."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size]
    found = []
    for _ in range(count + 2):
        image = np.zeros((size, size, 3))
        for _ in range(30):
            (top, left), radius = random.uniform(0, size, 2), random.uniform(3, size / 4)
            inside = np.clip(radius - np.hypot(y - top, x - left), 0, 1)[..., None]
            image = image * (1 - inside) + inside * random.uniform(0, 255, 3)
        found += of_array(image.astype(np.uint8), axes="YXC")
    return TrainingData(found[2:], found[:2])


def speed(name: str, steps: int) -> None:
    """Print the seconds of a step of a recipe, and how many steps fit into half an hour."""
    config = recipe.read(name)
    config = replace(config, run=replace(config.run, steps=steps + 20))
    with tempfile.TemporaryDirectory() as folder:
        seen = train(config, images(20, 480), Session(Path(folder)))
        for progress in seen:
            if progress.step == 20:  # compiling and tuning are over
                _wait()
                began = time.perf_counter()
            if progress.step == steps + 20 and not progress.message:
                _wait()
                each = (time.perf_counter() - began) / steps
        print(f"{name}: {1000 * each:.1f} ms a step, {HALF_AN_HOUR / each:.0f} in half an hour")
    if torch.cuda.is_available():
        print(f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB on {torch.cuda.get_device_name()}")


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


SRGAN = {"kind": "srgan", "options": {"features": 8, "blocks": 2}}
WGAN = {"kind": "wgan", "options": {"features": 4}}
RMSPROP = {"kind": "rmsprop", "learning_rate": 5e-5}
# the WGAN paper clips to 0.01, which would make a critic with so few features constant
ADVERSARIES = {
    "GAN": {"kind": "adversarial", "critic": {"kind": "srgan", "options": {"features": 4}}},
    "WGAN": {"kind": "wasserstein", "critic": WGAN, "clip": 0.1, "steps": 5, "optimiser": RMSPROP},
    "WGAN-GP": {"kind": "wasserstein", "critic": WGAN, "penalty": 10.0, "steps": 5},
    "relativistic": {
        "kind": "relativistic",
        "critic": {"kind": "srgan", "options": {"features": 4}},
    },
}


def tiny(adversary: dict[str, object] | None = None, **run: object) -> Config:
    """Return the configuration of a small training of SRGAN's network."""
    return recipe.parse(
        {
            "name": "tiny",
            "scale": 2,
            "network": SRGAN,
            "data": {"crop": 16, "batch": 4},
            "loss": [{"kind": "l1"}],
            "optimiser": {"learning_rate": 1e-3},
            "adversary": adversary,
            "run": {"steps": 200, "report_every": 20, "validate_every": 200, **run},
        },
        "tiny",
    )


def adversaries() -> None:
    """Train 200 steps against each kind of critic; raise if a loss is not finite."""
    seen = images(4, 96)
    for name, part in ADVERSARIES.items():
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            for _ in train(tiny({"weight": 1e-3, **part}), seen, Session(Path(folder))):
                pass
            log = rows(Path(folder) / "log.csv")
        first, last = log[0], log[-1]
        shown = ", ".join(
            f"{key} {first[key]} to {last[key]}" for key in ("l1", "adversary", "critic")
        )
        print(f"{name}: {time.perf_counter() - began:.0f} s, {shown}, {last['psnr']} dB")


def together(steps: int = 20) -> None:
    """Train with two processes, and compare with one process that gets the crops of both."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", __file__, "process"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, *command, "--out", folder], check=True, env=environment)
        state = torch.load(Path(folder) / "state.pt", weights_only=True)
    config, seen = _plain(steps), images(4, 96)
    learner = Learner(config, torch.device("cpu"))
    crops = [crops_of(seen, config, 1, rank)[2] for rank in (0, 1)]
    for step in range(steps):
        pairs = [one.batch(step) for one in crops]
        small, large = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        learner.learn(step, lambda _, both=(small, large): both)
    for key, value in learner.network.state_dict().items():
        torch.testing.assert_close(state["learner"]["network"][key], value, rtol=1e-3, atol=1e-5)
    print(f"two processes: {state['step']} steps, equal to one process with the crops of both")


def _plain(steps: int) -> Config:
    # a network without batch normalisation, whose statistics would differ between processes
    config = tiny(steps=steps, save_every=steps, validate_every=steps)
    part = replace(config.network, kind="fsrcnn", options={"features": 8, "shrunk": 4, "layers": 1})
    return replace(config, network=part)


def gain(name: str, data: Path, minutes: float) -> None:
    """Train from scratch for some minutes, and print the gain over bicubic interpolation."""
    config = recipe.read(name)
    every = {"report_every": 50, "validate_every": 250}
    config = replace(config, run=replace(config.run, **every))
    seen = of_folders(config.data, data)
    channels = Learner(config, torch.device("cpu")).network.channels
    pairs = pairs_of(seen, config, channels)
    plain = [_bicubic(small.numpy(), large.numpy(), config.scale) for small, large in pairs]
    base = sum(plain) / len(plain)
    with tempfile.TemporaryDirectory() as folder:
        for _ in train(config, seen, Session(Path(folder), minutes=minutes)):
            pass
        for row in rows(Path(folder) / "log.csv"):
            if row["psnr"]:
                reached = float(row["psnr"])
                shown = f"{float(row['seconds']):.0f} s, step {row['step']}: {reached:.3f} dB"
                print(f"{shown}, {reached - base:+.3f} over bicubic")


def _bicubic(small: np.ndarray, large: np.ndarray, scale: int) -> float:
    shown = [np.moveaxis(one, 0, -1).squeeze() for one in (small, large)]
    return psnr(imresize(shown[0], scale).clip(0, 1), shown[1], border=scale)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "adversaries", "together", "gain", "process"))
    parser.add_argument("recipe", nargs="?", default="fsrcnn-x3")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--out", type=Path, default=Path())
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.recipe, given.steps)
    elif given.what == "gain":
        gain(given.recipe, given.data, given.minutes)
    elif given.what == "process":  # one of the two processes of `together`
        for _ in train(_plain(20), images(4, 96), Session(given.out, "cpu")):
            pass
    else:
        {"adversaries": adversaries, "together": together}[given.what]()


if __name__ == "__main__":
    main()
