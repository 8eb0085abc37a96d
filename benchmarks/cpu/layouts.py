"""Time networks on a CPU with weights in two layouts: contiguous, and channels last.

    NAPARI_SR_WEIGHTS=WEIGHTS python benchmarks/cpu/layouts.py DATA/Set5/HR/butterfly.png

`napari_sr.load` returns weights with channels last. Both layouts run alternately on one photograph,
in float32; times are medians, in milliseconds. Results are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

import napari_sr
from napari_sr.layers.colour import enlarge

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

MODELS = ["fsrcnn-x2", "edsr-slim-x2", "bsrn-x2", "bsrn-s-x4", "rfdn-x4", "imdn-x2", "srcnn-x2"]


def seconds(network: torch.nn.Module, image: torch.Tensor) -> float:
    """Return how long a network takes."""
    began = time.perf_counter()
    enlarge(network, image)
    return time.perf_counter() - began


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("image", type=Path, help="a photograph")
    options.add_argument("--models", nargs="+", default=MODELS)
    options.add_argument(
        "--side", type=int, default=192, help="side of the part of the image to use"
    )
    options.add_argument("--runs", type=int, default=7)
    wanted = options.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, commit {commit()}")
    print("| network | contiguous, ms | channels last, ms | times as fast |")
    print("|---|---|---|---|")
    for name in wanted.models:
        last = napari_sr.load(name)
        plain = copy.deepcopy(last).to(memory_format=torch.contiguous_format)
        mode = "L" if last.channels == 1 else "RGB"
        pixels = np.atleast_3d(np.asarray(Image.open(wanted.image).convert(mode)))
        pixels = pixels[: wanted.side, : wanted.side].transpose(2, 0, 1)
        image = torch.from_numpy((pixels[None] / 255).astype(np.float32))
        torch.testing.assert_close(enlarge(last, image), enlarge(plain, image), rtol=0, atol=1e-4)
        pairs = [(seconds(plain, image), seconds(last, image)) for _ in range(wanted.runs)]
        before, after = (1e3 * median(times) for times in zip(*pairs, strict=True))
        print(f"| {name} | {before:.0f} | {after:.0f} | {before / after:.2f} |", flush=True)


if __name__ == "__main__":
    main()
