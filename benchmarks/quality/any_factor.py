"""Compare ways to shrink a network's result to a factor that is not a whole number.

    python benchmarks/quality/any_factor.py FOLDER

FOLDER has photographs as PNG. Their luma is shrunk by bicubic interpolation (as by MATLAB's
`imresize`) by each factor, enlarged by fsrcnn with the next larger scale, and shrunk to the size of
the photograph: by the mean of the interpolated curve over the area of each pixel (ours), by bicubic
interpolation with antialiasing, and by the plain mean of the pixels. Prints the mean PSNR in dB as
Markdown, without 8 pixels at the borders.

Then prints how far a result disagrees with its source only because it was shrunk: the photograph
stands for the network's result, and the source is the photograph, shrunk by the network's scale.
The RMS of the difference is in 255ths of white: as `napari_sr.check` compares them, and as bicubic
shrinking by the factor would; then that of fsrcnn's own results at the factor.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import napari_sr
from napari_sr.layers.area_resize import Shrunk, shrink
from napari_sr.layers.resize import imresize

FACTORS = (Fraction(13, 10), Fraction(3, 2), Fraction(5, 2), Fraction(7, 2))
BORDER = 8


def plain_means(pixels: Any, axes: tuple[Shrunk, Shrunk], size: tuple[int, int]) -> Any:
    """Return the means of pixels, weighted by the area that they share with each new pixel."""
    for dim, (axis, count) in enumerate(zip(axes, size, strict=True)):
        places, shares = axis.shares(slice(0, count), 0, axis.size)
        matrix = np.zeros((count, axis.size))
        np.add.at(matrix, (np.arange(count)[:, None], places), shares)
        pixels = np.moveaxis(np.tensordot(matrix, pixels, (1, dim)), 0, dim)
    return pixels


def psnrs(photograph: Any, factor: Fraction) -> dict[str, float]:
    """Return the PSNR of each way to shrink."""
    unit = factor.numerator
    height, width = (size // unit * unit for size in photograph.shape)
    truth = photograph[:height, :width]
    small = imresize(torch.from_numpy(truth), 1 / factor).numpy().clip(0, 1)
    scale = next(scale for scale in (2, 3, 4) if scale >= factor)
    large = napari_sr.upscale(small, "fsrcnn", scale, device="cpu", engine="torch")
    ratio = scale / factor
    axes = Shrunk(large.shape[0], ratio), Shrunk(large.shape[1], ratio)
    results = {
        "ours": shrink(large, (0, 0), axes, (slice(0, height), slice(0, width))),
        "bicubic": imresize(torch.from_numpy(large), 1 / ratio).numpy(),
        "plain means": plain_means(large, axes, (height, width)),
    }
    inside = slice(BORDER, -BORDER)
    errors = {
        name: np.square(found.clip(0, 1) - truth)[inside, inside].mean()
        for name, found in results.items()
    }
    return {name: float(-10 * np.log10(error)) for name, error in errors.items()}


def disagreements(photograph: Any, factor: Fraction) -> list[float]:
    """Return the RMS of differences from the source: shrunk as the check does, bicubic, fsrcnn."""
    scale = next(scale for scale in (2, 3, 4) if scale >= factor)
    unit = scale * factor.denominator
    height, width = (size // unit * unit for size in photograph.shape)
    large = photograph[:height, :width].astype(np.float64)
    source = imresize(torch.from_numpy(large), Fraction(1, scale)).numpy()
    axes = Shrunk(height, scale / factor), Shrunk(width, scale / factor)
    size = tuple(int(length * factor) for length in source.shape)
    result = shrink(large, (0, 0), axes, (slice(0, size[0]), slice(0, size[1])))
    found = napari_sr.upscale(
        source.clip(0, 1).astype(np.float32), "fsrcnn", factor, device="cpu", engine="torch"
    )
    maps = (
        napari_sr.check(source, result, scale=factor).map,
        imresize(torch.from_numpy(result), 1 / factor).numpy() - source,
        napari_sr.check(source.astype(np.float32), found, scale=factor).map,
    )
    inside = slice(BORDER, -BORDER)
    return [255 * float(np.sqrt(np.square(one[inside, inside]).mean())) for one in maps]


def main() -> None:
    """Print a row for each factor."""
    files = sorted(Path(sys.argv[1]).glob("*.png"))
    photographs = [np.asarray(Image.open(file).convert("L"), np.float32) / 255 for file in files]
    print("| factor | ours | bicubic | plain means |\n|---|---|---|---|")
    for factor in FACTORS:
        found = [psnrs(photograph, factor) for photograph in photographs]
        means = [f"{np.mean([one[name] for one in found]):.2f}" for name in found[0]]
        print(f"| {float(factor):g} | {' | '.join(means)} |")
    print(
        "\n| factor | agrees before it is shrunk | the same, bicubic | fsrcnn |\n|---|---|---|---|"
    )
    for factor in FACTORS:
        rows = np.mean([disagreements(photograph, factor) for photograph in photographs], axis=0)
        print(f"| {float(factor):g} | {' | '.join(f'{one:.2f}' for one in rows)} |")


if __name__ == "__main__":
    main()
