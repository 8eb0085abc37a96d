"""What tiles leave behind where a network sees more than its tiles' halo.

    python benchmarks/tiling.py --weights ../shared/weights --image IMAGE.png

Purely convolutional networks with a halo of their receptive field leave nothing (a test holds
them to 1e-5). Attention over the whole image (IMDN, RFDN, BSRN, BSRN-S) and the very deep RRDB do:
this says how much, in grey levels of 255, as Markdown. Every row carries versions and commit.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from napari_sr import load, models, upscale
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.models._network import Network

SIDE = 160
"""LR pixels of the measured crop along each side."""
TILE = 112
HALOS = (8, 16, 32, 48)


def networks(weights: Path | None) -> Iterator[tuple[str, Network]]:
    """Yield every known network that sees further than an affordable halo, and an RRDB."""
    if weights is not None:
        os.environ["NAPARI_SR_WEIGHTS"] = str(weights)
    for entry in entries():
        network = load(entry.name)
        if network.receptive_field is None:
            yield entry.name, network
    torch.manual_seed(0)
    deep = models.architecture("rrdbnet").network(scale=4)
    yield "RRDB x4, 23 blocks, untrained", deep.eval()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    given = parser.parse_args()
    image = np.array(Image.open(given.image).convert("RGB"))[:SIDE, :SIDE].astype(np.float32) / 255
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    where = f"{platform.machine()} CPU, torch {torch.__version__}, commit {commit or 'unknown'}"
    size = "x".join(map(str, image.shape[:2]))
    print(f"Largest / mean difference from the untiled result, grey levels of 255; {size} px of")
    print(f"{given.image.name}, tiles of {TILE} px, {where}\n")
    print("| model | " + " | ".join(f"halo {halo}" for halo in HALOS) + " |")
    print("|---|" + "---|" * len(HALOS))
    for name, network in networks(given.weights):
        whole = upscale(image, network, tile=SIDE, device="cpu")
        cells = []
        for halo in HALOS:
            tiled = upscale(image, network, tile=TILE, halo=halo, device="cpu")
            difference = np.abs(tiled - whole) * 255
            cells.append(f"{difference.max():.1f} / {difference.mean():.3f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
