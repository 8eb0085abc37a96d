"""Fourier ring correlation: the finest detail on which two images of an object agree.

Banterle et al., "Fourier ring correlation as a resolution criterion for super-resolution
microscopy", Journal of Structural Biology 183(3), 2013, https://doi.org/10.1016/j.jsb.2013.05.004
Koho et al., "Fourier ring correlation simplifies image restoration in fluorescence microscopy",
Nature Communications 10, 2019, https://doi.org/10.1038/s41467-019-11024-z. Koho et al. also split a
single image into two, like the two colours of a checkerboard.

Symbols: H x W pixels, R rings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import as_array
from napari_sr.evaluation._images import unit_range

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

THRESHOLD = 1 / 7
"""The correlation below which detail counts as lost, in both papers."""
LEAST = 32
"""Smallest side of an image in pixels; smaller images have too few rings."""


@dataclass(frozen=True)
class Agreement:
    """The agreement of two images by spatial frequency."""

    frequencies: NDArray[np.float64]
    """(R,), in cycles per unit of `pixel_size`."""
    correlation: NDArray[np.float64]
    """(R,), 1 for full agreement, about 0 where only noise remains."""
    resolution: float
    """The period of the finest common detail, in units of `pixel_size`: infinity if the images
    agree at no frequency, two pixels if they agree at every frequency."""


def frc(
    first: ArrayLike,
    second: ArrayLike | None = None,
    *,
    pixel_size: float = 1.0,
    threshold: float = THRESHOLD,
) -> Agreement:
    """Correlate the Fourier transforms of two images ring by ring, without a ground truth.

    Both must show the same object with independent noise: two exposures, or a network's results for
    two exposures. Common noise, and detail that a network invents in both images, count as
    agreement: FRC measures what is repeatable, not what is true.

    Parameters
    ----------
    first : array, (H, W)
        Grey, any integers or floats.
    second : array, (H, W), optional
        By default, `first` is split like a checkerboard: the sums of both diagonals of every 2 x 2
        square form two images of half the size, and the finest measurable period is four pixels.
        The noise must be independent between pixels, which is not the case in an enlarged image.
    pixel_size : float
        The side of a pixel, for example in micrometres.
    threshold : float
        The correlation below which detail counts as lost.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If the images are not grey, differ in shape, are smaller than 32 x 32 px (64 x 64 if one is
        split) or constant, or if a parameter is out of range.
    """
    if not (pixel_size > 0 and 0 < threshold < 1):
        raise ValueError(
            f"FRC needs a pixel size above 0 and a threshold in 0..1, got {pixel_size:g} and "
            f"{threshold:g}"
        )
    one = centred_grey(first)
    if second is None:
        one, two = diagonal_sums(one)
        pixel_size *= 2
    else:
        two = centred_grey(second)
    if one.shape != two.shape or min(one.shape) < LEAST:
        raise ValueError(
            f"FRC needs two images of equal shape, at least {LEAST} x {LEAST} px, got {one.shape} "
            f"and {two.shape}{' after splitting' if second is None else ''}"
        )
    frequencies, correlation = rings(one, two)
    frequencies = frequencies / pixel_size
    resolution = crossing(frequencies, correlation, threshold, 2 * pixel_size)
    return Agreement(frequencies, correlation, resolution)


def centred_grey(image: ArrayLike, what: str = "FRC") -> NDArray[np.float64]:
    """Return a grey image minus its mean, (H, W); its contrast does not change the correlation.

    `what` names the method in error messages.

    Raises
    ------
    ValueError
        If it is not grey, is constant, or has values that are not finite.
    """
    pixels = unit_range(image)
    if pixels.ndim != 2:
        raise ValueError(f"{what} takes grey images, (H, W), got {pixels.shape}")
    if not np.ptp(pixels):
        own = np.asarray(as_array(image)).flat[0]
        raise ValueError(f"{what} needs an image with detail, got {own:g} everywhere")
    centred: NDArray[np.float64] = pixels - pixels.mean()
    return centred


def diagonal_sums(image: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two images: the sums over either diagonal of every 2 x 2 square.

    Both diagonals have the same centre, so neither image is shifted.
    """
    height, width = (size // 2 * 2 for size in image.shape)
    square = image[:height, :width].reshape(height // 2, 2, width // 2, 2)
    return square[:, 0, :, 0] + square[:, 1, :, 1], square[:, 0, :, 1] + square[:, 1, :, 0]


def rings(one: NDArray[Any], two: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle frequency of every ring in cycles per pixel, and its correlation."""
    height, width = one.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    # without a window, the jump between opposite borders would look like detail along both axes
    first, second = (np.fft.fft2(image * window) for image in (one, two))
    count = min(height, width) // 2
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    ring = np.floor(distance * 2 * count + 0.5).astype(int).ravel()

    def total(values: NDArray[Any]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.bincount(ring, values.ravel(), count + 1).astype(np.float64)
        return sums[1 : count + 1]

    shared = total((first * second.conj()).real)
    power = np.sqrt(total(np.abs(first) ** 2) * total(np.abs(second) ** 2))
    correlation = np.divide(shared, power, out=np.zeros(count), where=power > 0)
    return np.arange(1, count + 1) / (2 * count), correlation


def crossing(
    frequencies: NDArray[Any], correlation: NDArray[Any], threshold: float, finest: float
) -> float:
    """Return the period at which the smoothed correlation first falls below the threshold."""
    smooth = smoothed(correlation)
    below = np.flatnonzero(smooth < threshold)
    if not below.size:
        return finest
    at = int(below[0])
    if at == 0:
        return math.inf
    share = (smooth[at - 1] - threshold) / (smooth[at - 1] - smooth[at])
    crossing = frequencies[at - 1] + share * (frequencies[at] - frequencies[at - 1])
    return float(1 / crossing)


def smoothed(correlation: NDArray[Any]) -> NDArray[np.float64]:
    """Average each ring with its neighbours, because single rings are noisy."""
    padded = np.pad(correlation, 1, mode="edge")
    mean: NDArray[np.float64] = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return mean
