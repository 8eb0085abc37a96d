"""How far the memory foretold for a tile lies from what a run really takes on the CPU.

    python benchmarks/memory/forecast.py

For each network and tile: the tensors alive at the peak as `engine.memory.peak_bytes` foretells,
and the growth of the process's resident memory while the tile runs, in a process of its own. Their
ratio is what `engine.memory.WORKSPACE` stands for.
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
    """Print foretold and measured bytes for one network and tile."""
    network = models.architecture(name).network(scale=SCALE).eval()
    foretold = peak_bytes(network, network.channels, side, side)
    image = torch.rand(1, network.channels, side, side)
    with torch.inference_mode():
        enlarge(network, image[..., :48, :48])  # libraries set themselves up
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        enlarge(network, image)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(foretold, (after - before) * 1024)


def main() -> None:
    """Print the table, one process for each row."""
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    print(f"{platform.machine()} CPU, torch {torch.__version__}; x{SCALE}, float32\n")
    print("| network | tile | foretold, MiB | measured, MiB | ratio | bytes per LR pixel |")
    print("|---|---|---|---|---|---|")
    for name in models.names():
        for side in SIDES:
            row = subprocess.run(
                [sys.executable, __file__, name, str(side)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            foretold, measured = (int(cell) for cell in row)
            print(
                f"| {name} | {side} | {foretold >> 20} | {measured >> 20} "
                f"| {measured / foretold:.2f} | {measured / side**2:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
