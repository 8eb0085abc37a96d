"""Compare decorrelation analysis and error maps with known truths and with NanoPyx.

    python benchmarks/quality/decorrelation.py > benchmarks/quality/decorrelation.md

Noise is band-limited in Fourier space, by an edge or by the transfer function of a lens, and white
noise is added. Columns of the first table: type of limit, side of the image, period of the cut-off
in px, standard deviation of the added noise (the signal has 1), and the period that decorrelation
analysis finds, divided by the period of the cut-off: ours and that of NanoPyx ("-" if none is
found, or NanoPyx is not installed). A lens transmits almost nothing just below its cut-off, so for
a lens, more than 1 is correct. The second table compares error maps of images that are blurred by a
Gaussian.
"""

from __future__ import annotations

import math
import sys
from itertools import product
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_sr.evaluation import decorrelation, error_map

sys.path.insert(0, str(Path(__file__).parents[1]))
from commit import commit

try:
    import nanopyx
except ImportError:
    nanopyx = None


def limited(
    kind: str, side: int, cut: float, noise: float, random: np.random.Generator
) -> np.ndarray:
    """Return noise of variance 1 below a cut-off in cycles per pixel, plus white noise.

    It is a crop of a larger image, so that opposite borders differ, as in a photograph.
    """
    axis = np.fft.fftfreq(2 * side)
    share = np.hypot(axis[:, None], axis[None]) / cut
    if kind == "edge":
        passed = (share <= 1).astype(float)
    else:
        inside = np.clip(share, 0, 1)
        passed = 2 / math.pi * (np.arccos(inside) - inside * np.sqrt(1 - inside**2))
    spectrum = np.fft.fft2(random.standard_normal((2 * side, 2 * side))) * passed
    signal = np.fft.ifft2(spectrum).real[:side, :side]
    return signal / signal.std() + noise * random.standard_normal((side, side))


def cut_offs(random: np.random.Generator) -> list[str]:
    """Return the rows of the first table."""
    rows = []
    for kind, side, period, noise in product(
        ("edge", "lens"), (128, 256, 512), (16, 8, 5, 3), (0.03, 0.3, 1.0)
    ):
        image = limited(kind, side, 1 / period, noise, random)
        found = [decorrelation(image).resolution]
        if nanopyx is not None:
            found.append(nanopyx.calculate_decorr_analysis(image.astype(np.float32)))
        cells = [f"{one / period:.2f}" if math.isfinite(one) else "-" for one in found]
        cells += ["-"] * (2 - len(cells))
        rows.append(f"| {kind} | {side} | {period} | {noise:g} | {' | '.join(cells)} |")
    return rows


def maps(random: np.random.Generator) -> list[str]:
    """Return the rows of the second table."""
    rows = []
    for blur, noise in product((1, 2, 4), (0.0, 0.5, 5.0)):
        sharp = random.random((200, 240)) ** 8
        seen = gaussian_filter(sharp, blur)
        seen = seen / seen.max() * 100 + noise * random.standard_normal(seen.shape)
        ours = error_map(seen, sharp)
        cells = f"{ours.blur:.3f} | {ours.rse:.4f} | {ours.rsp:.5f}"
        if nanopyx is None:
            theirs = "- | -"
        else:
            _, rse, rsp = nanopyx.calculate_error_map(
                seen.astype(np.float32), sharp.astype(np.float32)
            )
            theirs = f"{rse:.4f} | {rsp:.5f}"
        rows.append(f"| {blur} | {noise:g} | {cells} | {theirs} |")
    return rows


def main() -> None:
    """Print both tables."""
    random = np.random.default_rng(0)
    version = "not installed" if nanopyx is None else nanopyx.__version__
    lines = [
        "# Decorrelation analysis and error maps",
        f"`python benchmarks/quality/decorrelation.py`, {commit()}, NanoPyx {version}",
        "The script explains the columns.",
        "| limit | side | period | noise | ours | NanoPyx |\n|---|---|---|---|---|---|\n"
        + "\n".join(cut_offs(random)),
        "| blur | noise | our blur | our RSE | our RSP | NanoPyx' RSE | RSP |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(maps(random)),
    ]
    print("\n\n".join(lines))


if __name__ == "__main__":
    main()
