"""Measure the PSNR of every known model on a benchmark set, as the papers do.

    NAPARI_SR_WEIGHTS=WEIGHTS python benchmarks/quality/psnr.py DATA/Set5
    ... python benchmarks/quality/psnr.py DATA/Set5 --ensemble fsrcnn-x2 bsrn-x4

The set contains HR/ and LR_matlab/x2, x3, x4 (MATLAB's bicubic). The 8-bit RGB image is upscaled in
floats; the result is clipped to 0..1; luma is BT.601, not rounded; `scale` pixels of border are
left out; the mean over images is shown. Luma networks get only luma, as in their papers. If models
are named, only these are measured. --ensemble uses the mean of eight views. Prints Markdown.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from napari_sr import load, upscale
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.layers.colour import rgb_to_ycbcr
from napari_sr.layers.resize import imresize
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from napari_sr.graph.network import Network


def read(path: Path) -> torch.Tensor:
    """Return an image file as (1, 3, H, W) in 0..1, in float64."""
    pixels = np.array(Image.open(path).convert("RGB"), np.float64) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def psnr(result: torch.Tensor, truth: torch.Tensor, border: int) -> float:
    """Return the PSNR in dB of luma, both (1, 1, H, W)."""
    error = (result - truth)[..., border:-border, border:-border]
    return -10 * math.log10(error.square().mean().item())


def luma_of(
    network: Network | None, small: torch.Tensor, scale: int, *, ensemble: bool
) -> torch.Tensor:
    """Return the enlarged luma, (1, 1, H, W), of an RGB image; bicubic if `network` is None."""
    how = {"device": "cpu", "ensemble": ensemble, "border": "zeros"}  # as in papers
    if network is None:
        luma = imresize(rgb_to_ycbcr(small)[:, :1], scale)
    elif network.channels == 1:
        plane = rgb_to_ycbcr(small)[0, 0].numpy()
        spans = (LUMA_OF_BLACK, LUMA_OF_WHITE)
        luma = torch.from_numpy(upscale(plane, network, value_range=spans, **how))[None, None]
    else:
        rgb = upscale(small[0].permute(1, 2, 0).numpy(), network, axes="YXC", **how)
        luma = rgb_to_ycbcr(torch.from_numpy(rgb).permute(2, 0, 1)[None].clamp(0, 1))[:, :1]
    return luma.clamp(LUMA_OF_BLACK, LUMA_OF_WHITE)


def measure(network: Network | None, folder: Path, scale: int, *, ensemble: bool = False) -> float:
    """Return the mean PSNR in dB over a set."""
    values = []
    for path in sorted((folder / "HR").iterdir()):
        truth = rgb_to_ycbcr(read(path))[:, :1]
        height, width = (size // scale * scale for size in truth.shape[-2:])
        small = read(folder / "LR_matlab" / f"x{scale}" / path.name)
        result = luma_of(network, small, scale, ensemble=ensemble)
        values.append(psnr(result, truth[..., :height, :width], scale))
    return sum(values) / len(values)


def main() -> None:
    """Print the table."""
    ensemble = "--ensemble" in sys.argv
    folder, *names = (word for word in sys.argv[1:] if word != "--ensemble")
    how = "CPU, float32, mean of eight views" if ensemble else "CPU, float32"
    print(f"PSNR of luma in dB on {Path(folder).name}; torch {torch.__version__}, {how}\n")
    print("| model | PSNR |\n|---|---|")
    for scale in () if names else (2, 3, 4):
        print(f"| bicubic x{scale} | {measure(None, Path(folder), scale):.2f} |", flush=True)
    for name in names or [entry.name for entry in entries()]:
        network = load(name)
        value = measure(network, Path(folder), network.scale, ensemble=ensemble)
        print(f"| {name} | {value:.2f} |", flush=True)


if __name__ == "__main__":
    main()
