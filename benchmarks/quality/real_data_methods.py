"""Ways of enlarging for `real_data.py`: models, and deconvolution after bicubic interpolation.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from skimage.restoration import richardson_lucy

import napari_sr
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_sr.graph.network import Network

    Image: TypeAlias = NDArray[np.floating]
    Method: TypeAlias = Callable[[Image], NDArray[np.float64]]
    """Takes an image, (H, W); returns (S * H, S * W)."""

MODELS = ("bicubic", "fsrcnn", "edsr-slim", "microscope", "micrograph", "em")
SPOTS, ITERATIONS = (0.5, 1.0, 2.0), (5, 20)
"""Tried settings of the deconvolution: standard deviation of a Gaussian spot, in pixels of the
source, and number of iterations."""
USUAL = (1.0, 10)
"""The setting where there is no truth."""
DARKEST = 1e-3
"""Smallest value that is deconvolved, as a share of the range: the method needs values above 0."""
ENDS = (0.1, 99.9)
"""Percentiles of an image that become black and white."""
BORDER = 8
"""Pixels of the result at each side that are not compared."""


def models_of(scale: int) -> list[str]:
    """Return the names of the models that exist for a scale."""
    known = {entry.name for entry in entries()}
    return [name for name in MODELS if f"{name}-x{scale}" in known or name == "bicubic"]


def methods_of(scale: int, names: Sequence[str] | None = None) -> dict[str, Method]:
    """Return the methods of a scale by name: models, without deconvolution."""
    chosen = models_of(scale) if names is None else names
    return {name: partial(upscaled, napari_sr.load(name, scale)) for name in chosen}


def upscaled(network: Network, image: Image) -> NDArray[np.float64]:
    """Upscale an image; black and white are the ends of its values."""
    low, high = map(float, np.percentile(image, ENDS))
    result = napari_sr.upscale(
        image.astype(np.float32), network, axes="YX", device="cpu", engine="torch",
        value_range=(low, high), outliers="keep",
    )  # fmt: skip
    return np.asarray(result, np.float64)


def deconvolved(
    enlarged: NDArray[np.float64], scale: int, setting: tuple[float, int] = USUAL
) -> NDArray[np.float64]:
    """Deconvolve an enlarged image, (S * H, S * W), by a Gaussian spot (Richardson-Lucy)."""
    spot, iterations = setting
    low, high = np.percentile(enlarged, ENDS)
    share = ((enlarged - low) / (high - low)).clip(DARKEST)
    reach = int(np.ceil(3 * spot * scale))
    line = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * (spot * scale) ** 2))
    kernel = np.outer(line, line) / line.sum() ** 2
    around = np.pad(share, 2 * reach, mode="reflect")
    found = richardson_lucy(around, kernel, num_iter=iterations, clip=False)
    inside = slice(2 * reach, -2 * reach)
    return found[inside, inside] * (high - low) + low


def best_deconvolved(
    enlarged: NDArray[np.float64], scale: int, judge: Callable[[NDArray[np.float64]], float]
) -> float:
    """Return the best score of all tried settings: no user could know which one that is."""
    settings = itertools.product(SPOTS, ITERATIONS)
    return max(judge(deconvolved(enlarged, scale, setting)) for setting in settings)


def fitted_psnr(
    result: NDArray[np.float64], truth: NDArray[np.float64], noise: float = 0.0
) -> float:
    """Return the PSNR in dB after the best linear fit, relative to the range of the truth.

    Parameters
    ----------
    result, truth : array, (H, W)
        Their borders are not compared.
    noise : float
        Variance of noise in the truth that is independent of the result; it is subtracted from the
        squared error, which then is that against a truth without noise.
    """
    inside = slice(BORDER, -BORDER), slice(BORDER, -BORDER)
    x, y = result[inside].ravel(), truth[inside].ravel()
    slope, offset = np.polyfit(x, y, 1)
    low, high = np.percentile(y, ENDS)
    error = np.mean((slope * x + offset - y) ** 2) - noise
    return float(-10 * np.log10(max(error, 1e-9) / (high - low) ** 2))
