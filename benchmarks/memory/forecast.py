"""Compare the forecast and the measured memory of a tile on the CPU.

    python benchmarks/memory/forecast.py

For each network and tile, the table shows the peak of live tensors that
`engine.planning.memory.peak_bytes` forecasts, and how much the resident memory of a process grows
while it runs the tile. `engine.planning.memory.WORKSPACE` was chosen from their ratio.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys

import torch

from napari_sr import models
from napari_sr.engine.planning.memory import peak_bytes
from napari_sr.layers.colour import enlarge

SIDES = (256, 384)
SCALE = 4


def measure(name: str, side: int) -> None:
    """Print the forecast and the measured bytes for one network and tile."""
    network = models.architecture(name).network(scale=SCALE).eval()
    forecast = peak_bytes(network, network.channels, side, side)
    image = torch.rand(1, network.channels, side, side)
    with torch.inference_mode():
        enlarge(network, image[..., :48, :48])  # the first run initialises libraries
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        enlarge(network, image)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(forecast, (after - before) * 1024)


def main() -> None:
    """Print the table, one process for each row."""
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    print(f"{platform.machine()} CPU, torch {torch.__version__}; x{SCALE}, float32\n")
    print("| network | tile | forecast, MiB | measured, MiB | ratio | bytes per LR pixel |")
    print("|---|---|---|---|---|---|")
    for name in models.names():
        for side in SIDES:
            row = subprocess.run(
                [sys.executable, __file__, name, str(side)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            forecast, measured = (int(cell) for cell in row)
            print(
                f"| {name} | {side} | {forecast >> 20} | {measured >> 20} "
                f"| {measured / forecast:.2f} | {measured / side**2:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
