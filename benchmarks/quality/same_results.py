"""Check that a change of the code changes no pixel, by hashes of results before and after.

    python benchmarks/quality/same_results.py --write before.json
    ... change the code ...
    python benchmarks/quality/same_results.py --against before.json

Every network, with random weights from one seed, upscales fixed images: whole, in exact tiles, with
a halo, and as the mean of eight views. A shipped model upscales integers, alpha and stacks. The
command line upscales files. Each result is stored as a hash of its type, shape and bytes. The
second call prints the results that differ, and fails if there are any. Compare hashes only from the
same computer and version of PyTorch.

Commits before 1ce4e54 do not extend planes by reflected pixels. To compare with them, add
`--border zeros` to the second call only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image

from napari_sr import models, upscale

# with other engines, the result would depend on whether background compiling has finished
os.environ["NAPARI_SR_ENGINE"] = "torch"

SIDE = 48
WAYS: dict[str, dict[str, Any]] = {
    "whole": {"tile": 2 * SIDE},
    "tiles": {"tile": 32},
    "halo": {"tile": 32, "halo": 4},
    "ensemble": {"tile": 2 * SIDE, "ensemble": True},
}


def digest(array: Any) -> str:
    """Return a hash of an array's type, shape and bytes."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()[:16]


def image(*shape: int, dtype: type = np.float32) -> Any:
    """Return a smooth image with some noise, the same in every call."""
    random = np.random.default_rng(0)
    steps = sum(np.sin(place / 5 + axis) for axis, place in enumerate(np.indices(shape)))
    values = 0.5 + 0.1 * steps + 0.02 * random.standard_normal(shape)
    values = values.clip(0, 1)
    if np.issubdtype(dtype, np.integer):
        return (values * np.iinfo(dtype).max).astype(dtype)
    return values.astype(dtype)


def of_networks(**extra: str) -> dict[str, str]:
    """Return hashes of the results of every network, by network and way of running.

    `extra` are more options of `upscale`.
    """
    found = {}
    for name in models.names():
        record = models.architecture(name)
        torch.manual_seed(0)
        network = record.network(**record.example).eval()
        plane = image(SIDE, SIDE + 5, *((3,) if network.channels == 3 else ()))
        for way, options in WAYS.items():
            found[f"{name} {way}"] = result_of(plane, network, **options, **extra)
    return found


def of_images(**extra: str) -> dict[str, str]:
    """Return hashes of other types of images, upscaled by shipped models."""
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "8 bits": (image(SIDE, SIDE, dtype=np.uint8), {}),
        "16 bits": (image(SIDE, SIDE, dtype=np.uint16), {}),
        "colour": (image(SIDE, SIDE, 3, dtype=np.uint8), {"axes": "YXC"}),
        "alpha": (image(SIDE, SIDE, 4, dtype=np.uint8), {"axes": "YXC"}),
        "stack": (image(2, 3, SIDE, SIDE), {"axes": "TZYX"}),
        "channels": (image(2, SIDE, SIDE), {"axes": "CYX"}),
        "range": (image(SIDE, SIDE) * 1000, {"value_range": (0.0, 1000.0)}),
    }
    return {
        f"{model} {kind}": result_of(array, model, 2, **options, **extra)
        for kind, (array, options) in kinds.items()
        for model in ("fsrcnn", "edsr-slim", "bicubic")
    }


def result_of(array: Any, *model: Any, **options: Any) -> str:
    """Return the hash of one result, or the error's message."""
    try:
        return digest(upscale(array, *model, device="cpu", precision="float32", **options))
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"


def of_files(**extra: str) -> dict[str, str]:
    """Return hashes of files that the command line writes."""
    found = {}
    more = [word for name, value in extra.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(image(SIDE, SIDE, 3, dtype=np.uint8)).save(folder / "in.png")
        tifffile.imwrite(
            folder / "in.tif", image(3, SIDE, SIDE, dtype=np.uint16), imagej=True,
            resolution=(5, 5), metadata={"axes": "ZYX", "unit": "um", "spacing": 0.5},
        )  # fmt: skip
        for source, target in (("in.png", "out.png"), ("in.tif", "out.tif"), ("in.png", "out.tif")):
            words = ["upscale", *map(str, (folder / source, folder / target)), "--overwrite"]
            model = ("--model", "fsrcnn", "--scale", "2", "--device", "cpu")
            command = [sys.executable, "-m", "napari_sr", *words, *model, *more]
            subprocess.run(command, check=True, capture_output=True)
            found[f"{source} to {target}"] = digest(
                np.array(Image.open(folder / target))
                if target.endswith("png")
                else tifffile.imread(folder / target)
            )
    return found


def main() -> int:
    """Write or compare hashes; return 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="file in which to store the hashes")
    parser.add_argument("--against", type=Path, help="file of hashes to compare with")
    parser.add_argument("--border", help="`border` for every run (by default: not given)")
    given = parser.parse_args()
    extra = {"border": given.border} if given.border else {}
    torch.set_num_threads(1)  # with one thread, sums are always computed in the same order
    found = {**of_networks(**extra), **of_images(**extra), **of_files(**extra)}
    if given.write:
        given.write.write_text(json.dumps(found, indent=1))
    before = json.loads(given.against.read_text()) if given.against else found
    changed = sorted(key for key in before.keys() | found if before.get(key) != found.get(key))
    for key in changed:
        print(f"{key}: {before.get(key, 'nothing')} before, {found.get(key, 'nothing')} now")
    print(f"{len(found)} results, {len(changed)} differ")
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main())
