"""Try networks on an image itself: which one predicts best what it did not see.

Noise is known well enough to be split: with e like the noise, `y + A * e` and `y - e / A` have
independent noise. Networks enlarge the first; the means of their 2 x 2 pixels should be what the
second would be without noise. How much the noise of the second adds to the squared error is known,
and subtracted. Each part is used with e and -e, which cancels most of the chance.

Oliveira, Lei and Tibshirani, "Unbiased risk estimation in the normal means problem via coupled
bootstrap techniques", Electronic Journal of Statistics 18, 2024, https://arxiv.org/abs/2111.09447.

The trial sees neither the finest detail of a result nor what noise clipped at black has lost. Where
dense texture looks like noise, it is too kind to networks that remove noise.
Symbols: N parts, P pixels along a side of a part, S scale.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_sr.zoo import download, registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_sr.engine.image.noise import Noise
    from napari_sr.engine.image.sample import Sample
    from napari_sr.graph.network import Network
    from napari_sr.zoo.registry import Entry

    Pixels = NDArray[np.float64]

TRIED = {"denoising": "microscope", "photographs": "fsrcnn", "conditioned": "micrograph"}
"""The networks that are tried, by their purpose. `fsrcnn` stands for all networks for photographs:
`edsr-slim` takes five times as long."""
PLAIN = "interpolation"
SMALLEST = 32
"""Smallest side of an image on which networks are tried, in pixels."""
PARTS, SIDE = 4, 64
"""Number of parts of the image that are enlarged, and the largest side of one, in pixels."""
ADDED = 0.6
"""Standard deviation of the noise that is added, as a share of the image's own."""
BORDER = 2
"""Pixels next to the border of a part that do not count: networks see zeros beyond them."""
SMOOTH = 2.0
"""Standard deviation in pixels of the blur that removes noise from the brightness, with which the
noise grows."""
ROUNDING = 1e-12
"""Errors below this, relative to the squared range, are equal."""
LEAST = 0.05
"""Smallest error that is believed, as a share of the error before noise is subtracted."""


def tried_errors(sample: Sample, noise: Noise) -> dict[str, float] | None:
    """Return the mean squared errors of networks, and of interpolation, on an image.

    The keys are those of `TRIED` and `PLAIN`; for the values, see `trial_of`. The result is None if
    nothing can be tried: on images that are constant or smaller than `SMALLEST`, or if a file with
    weights is missing.

    Parameters
    ----------
    sample : Sample
        Windows of the image.
    noise : Noise
        The image's noise.
    """
    low, high = np.percentile(sample.values, (0.1, 99.9))
    side = min(size for window in sample.windows for size in window.shape)
    if low == high or side < SMALLEST:
        return None
    try:
        networks = shipped()
    except (ValueError, OSError):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        errors = trial_of(sample, noise, networks)
    if not all(map(math.isfinite, errors.values())):  # values far beyond the used range
        return None
    return errors


@cache
def shipped() -> dict[str, Network]:
    """Return the networks that are tried, and interpolation; nothing is downloaded.

    Raises
    ------
    ValueError, OSError
        If a file of the package is missing or damaged.
    """
    models = {**TRIED, PLAIN: "bicubic"}
    return {name: _network(registry.find(model, 2)) for name, model in models.items()}


def _network(entry: Entry) -> Network:
    import torch

    from napari_sr.models import architecture
    from napari_sr.zoo.checkpoint import open_checkpoint
    from napari_sr.zoo.recognition import build_as

    if entry.computed:
        return architecture(entry.architecture).network(scale=entry.scale, **entry.options).eval()
    tensors = open_checkpoint(download.SHIPPED / entry.file, entry.sha256).tensors
    network = build_as(entry.architecture, tensors, scale=entry.scale, **entry.options)
    network.full_range = network.full_range or entry.grey
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def trial_of(sample: Sample, noise: Noise, networks: Mapping[str, Network]) -> dict[str, float]:
    """Return the mean squared error of each network on an image, relative to its squared range.

    The finest detail, which only an image with smaller pixels would show, does not count. Errors
    are those after the best linear fit. Equal images get equal errors.

    Parameters
    ----------
    sample : Sample
        Windows of a grey image that is not constant.
    noise : Noise
        The image's noise.
    networks : mapping
        Networks by name, all of one scale.
    """
    low, high = np.percentile(sample.values, (0.1, 99.9))
    used = float(high - low)
    parts = (_parts(sample.windows) - low) / used
    spread = _spread(parts * used + low, noise) / used
    added = np.random.default_rng(0).normal(size=parts.shape) * spread
    seen = np.concatenate([parts + ADDED * added, parts - ADDED * added])
    unseen = np.concatenate([parts - added / ADDED, parts + added / ADDED])
    variance = float((_inner(spread) ** 2).mean() + (_inner(added) ** 2).mean() / ADDED**2)
    level = noise.sigma * float(np.hypot(1, ADDED)) / used
    errors = {
        name: _error(_enlarged(network, seen, level), unseen) for name, network in networks.items()
    }
    variance = min(variance, (1 - LEAST) * min(errors.values()))
    return {name: max(error - variance, ROUNDING) for name, error in errors.items()}


def _parts(windows: Sequence[Pixels]) -> Pixels:
    """Return the parts with the most contrast, (N, P, P), from as many windows as possible."""
    side = min(SIDE, *(size // 2 * 2 for window in windows for size in window.shape))
    found = []
    for number, window in enumerate(windows):
        cut = sorted(_cut(window, side), key=lambda part: -float(part.std()))
        found += [(rank, -float(part.std()), number, part) for rank, part in enumerate(cut)]
    found.sort(key=lambda one: one[:3])  # the best part of each window before the second ones
    chosen = [part for *_, part in found[:PARTS]]
    return np.stack((chosen * PARTS)[:PARTS])  # a small image several times, with other noise


def _cut(window: Pixels, side: int) -> Iterator[Pixels]:
    """Yield the squares of a window, side by side."""
    rows, columns = (range(0, size - side + 1, side) for size in window.shape)
    for top in rows:
        for left in columns:
            yield window[top : top + side, left : left + side]


def _spread(pixels: Pixels, noise: Noise) -> Pixels:
    """Return the standard deviation of the noise of each pixel."""
    if not noise.sigma:
        return np.zeros_like(pixels)
    found: Pixels = noise.at(_blurred(pixels))
    return found


def _blurred(parts: Pixels) -> Pixels:
    """Blur parts, (N, P, P), by a Gaussian of `SMOOTH` pixels, with reflected borders.

    This equals SciPy's `gaussian_filter`, whose import takes longer than the whole trial.
    """
    side, reach = parts.shape[1], round(4 * SMOOTH)
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTH) ** 2)
    rows = np.pad(np.eye(side), ((reach, reach), (0, 0)), mode="symmetric")
    weights = sliding_window_view(rows, len(line), axis=0) @ (line / line.sum())
    found: Pixels = weights @ parts @ weights.T
    return found


def _enlarged(network: Network, parts: Pixels, level: float) -> Pixels:
    """Return enlarged parts, shrunk again by the mean of S x S pixels."""
    import torch

    from napari_sr.layers.colour import enlarge

    with torch.inference_mode():
        large = enlarge(network, torch.from_numpy(parts[:, None]).float(), level)[:, 0]
    found = large.numpy().astype(np.float64)
    count, height, width = parts.shape
    shape = count, height, network.scale, width, network.scale
    mean: Pixels = found.reshape(shape).mean(axis=(2, 4))
    return mean


def _error(result: Pixels, truth: Pixels) -> float:
    """Return the mean squared error after the best linear fit."""
    x, y = _inner(result).ravel(), _inner(truth).ravel()
    x, y = x - x.mean(), y - y.mean()
    power = float(x @ x)
    slope = float(x @ y) / power if power else 0.0
    return float(((slope * x - y) ** 2).mean())


def _inner(parts: Pixels) -> Pixels:
    return parts[:, BORDER:-BORDER, BORDER:-BORDER]
