"""Time a transposed convolution on a CPU, and the convolution with pixel shuffle that replaces it.

    python benchmarks/cpu/deconvolution.py

The layer is the last one of FSRCNN: from 56 features to 1, 9x9, on noise, in float32. Both versions
run alternately; times are medians, in milliseconds. Results are compared before anything is timed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn

from napari_sr.layers.deconvolution import Deconvolution

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

FEATURES, KERNEL, RUNS = 56, 9, 9


def seconds(layer: nn.Module, x: torch.Tensor) -> float:
    """Return how long a layer takes."""
    began = time.perf_counter()
    layer(x)
    return time.perf_counter() - began


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, commit {commit()}")
    print("| scale | side | transposed, ms | convolution, ms | times as fast |")
    print("|---|---|---|---|---|")
    for scale in (2, 3, 4):
        options = {"stride": scale, "padding": KERNEL // 2, "output_padding": scale - 1}
        plain = nn.ConvTranspose2d(FEATURES, 1, KERNEL, **options)
        ours = Deconvolution(FEATURES, 1, KERNEL, **options)
        ours.load_state_dict(plain.state_dict())
        for side in (256, 1024):
            x = torch.rand(1, FEATURES, side, side)
            torch.testing.assert_close(ours(x), plain(x))
            pairs = [(seconds(plain, x), seconds(ours, x)) for _ in range(RUNS)]
            before, after = (1e3 * median(times) for times in zip(*pairs, strict=True))
            print(f"| {scale} | {side} | {before:.0f} | {after:.0f} | {before / after:.1f} |")


if __name__ == "__main__":
    main()
