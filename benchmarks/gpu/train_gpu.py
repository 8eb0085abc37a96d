"""Train a recipe on a GPU machine that has only torch, numpy and safetensors installed.

    python benchmarks/gpu/train_gpu.py pack bsrn-gpu-x4 --data DATA/train --to runs/gpu

copies the recipe's images, and the recipe as JSON, to a folder. To decode images, the folder also
needs `site/` with an unpacked wheel of Pillow for the Python of the GPU machine.

    PYTHONPATH=runs/gpu/site python benchmarks/gpu/train_gpu.py train runs/gpu/bsrn-gpu-x4.json \
        --out runs/gpu/out --minutes 9 --copy $OUT

trains, or resumes the training in `--out`, and copies the files that are needed to resume on
another machine. `--steps` sets the number of steps; `--time 100` only measures the time of a step.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shutil
import sys
import time
import types
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "kernels")]

import numpy as np  # noqa: E402  # the paths come first

from napari_sr.training.config import Config  # noqa: E402
from napari_sr.training.data.pictures import of_array  # noqa: E402
from napari_sr.training.data.training_data import TrainingData  # noqa: E402
from napari_sr.training.session import Session  # noqa: E402
from napari_sr.training.trainer import train  # noqa: E402

IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}


def pack(name: str, data: Path, to: Path) -> None:
    """Copy a recipe and its images, and print their size."""
    from napari_sr.training import recipe

    config = recipe.read(name)
    to.mkdir(parents=True, exist_ok=True)
    (to / f"{config.name}.json").write_text(json.dumps(recipe.as_table(config)))
    for folder in config.data.folders:
        shutil.copytree(data / folder, to / "images" / folder, dirs_exist_ok=True)
    size = sum(path.stat().st_size for path in to.rglob("*") if path.is_file())
    print(f"{to}: {size / 2**20:.1f} MiB")


def made(kind: Any, value: Any) -> Any:
    """Build an object from JSON values, as `recipe.parse` does, but without pydantic."""
    if get_origin(kind) is types.UnionType:
        return None if value is None else made(get_args(kind)[0], value)
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{key: made(hints[key], one) for key, one in value.items()})
    if get_origin(kind) is tuple:
        return tuple(made(get_args(kind)[0], one) for one in value)
    return value


def training_data(config: Config, folder: Path) -> TrainingData:
    """Read images with Pillow; hold out the same files as `training_data.of_folders` does."""
    from PIL import Image

    from napari_sr.layers.resize import imresize

    files = [
        path
        for name in config.data.folders
        for path in sorted((folder / name).iterdir())
        if path.suffix.lower() in IMAGES
    ]
    count = config.data.validation
    held = {files[(2 * k + 1) * len(files) // (2 * count)] for k in range(count)}
    learnt, judged = [], []
    for path in files:
        pixels = np.array(Image.open(path).convert("RGB"))
        if path in held:
            judged += of_array(pixels, axes="YXC", name=str(path))
            continue
        for size in config.data.sizes:
            shown = pixels if size == 1 else _resized(pixels, size, imresize)
            learnt += of_array(shown, axes="YXC", name=f"{path} at {size:g}")
    return TrainingData(learnt, judged)


def _resized(pixels: np.ndarray, size: float, imresize: Any) -> np.ndarray:
    import torch

    image = torch.from_numpy(pixels).permute(2, 0, 1).float()
    small = imresize(image, size, largest=255)
    return np.ascontiguousarray(small.permute(1, 2, 0).numpy().astype(np.uint8))


def main() -> None:
    """Read the command line; pack or train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("pack", "train"))
    parser.add_argument("recipe", help="name of a recipe to pack, or a JSON file to train")
    parser.add_argument("--data", type=Path, help="folder that contains the recipe's folders")
    parser.add_argument("--to", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--out", type=Path, default=Path("runs/gpu/out"))
    parser.add_argument("--copy", type=Path, help="copy results and state there at the end")
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--time", type=int, help="only time this number of steps")
    given = parser.parse_args()
    if given.what == "pack":
        pack(given.recipe, given.data, given.to)
        return
    config: Config = made(Config, json.loads(Path(given.recipe).read_text()))
    if given.steps is not None:
        config = dataclasses.replace(config, run=dataclasses.replace(config.run, steps=given.steps))
    run(config, given)


def run(config: Config, given: argparse.Namespace) -> None:
    """Train, print validation results, and copy the files to keep."""
    seen = training_data(config, given.data or Path(given.recipe).parent / "images")
    print(f"{len(seen.learnt)} images to learn from, {len(seen.held_out)} held out")
    judged, began = None, (0, time.perf_counter())
    for progress in train(config, seen, Session(given.out, resume=True, minutes=given.minutes)):
        if progress.message or progress.psnr != judged:
            judged = progress.psnr
            print(progress, flush=True)
        if given.time and progress.step == 20:  # compiling and tuning are over
            began = (progress.step, time.perf_counter())
        if given.time and progress.step == 20 + given.time:
            each = (time.perf_counter() - began[1]) / given.time
            print(f"{1000 * each:.1f} ms a step, {1800 / each:.0f} in half an hour")
            break
    if given.copy is not None:
        shutil.copytree(given.out, given.copy, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
