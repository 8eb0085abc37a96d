"""Fourier ring correlation of a single image, after splitting it into two.

"diagonals": Koho et al., "Fourier ring correlation simplifies image restoration in fluorescence
microscopy", Nature Communications 10, 2019, https://doi.org/10.1038/s41467-019-11024-z. The pixels
on each diagonal of all 2 x 2 squares form an image; the two images are shifted by a pixel along
both axes, which lowers their correlation. The authors correct the resolution by a formula that they
fitted to pairs of exposures; the coefficients are from their program, MIPLIB.

"counts": Rieger et al., "Single image Fourier ring correlation", Optics Express 32(12), 21767,
2024, https://opg.optica.org/oe/fulltext.cfm?uri=oe-32-12-21767. A fair coin decides for each photon
to which of two images it belongs; the noise of both is then independent.

Symbols: H x W pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.evaluation._frc import (
    LEAST,
    THRESHOLD,
    Agreement,
    centred_grey,
    crossing,
    frc,
    rings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

SPLITS = ("checkerboard", "diagonals", "counts")
"""All ways to split an image."""
CALIBRATION = 0.95988146, 0.97979108, 13.90441896, 0.55146136
"""a, b, c and d in Koho's correction, a exp(c (x - b)) + d. Here x is the cut-off as a share of the
highest frequency of the split images."""
FINEST_CUT = 0.6
"""Largest cut-off that is corrected. Up to here, results are from 4 % finer to 20 % coarser than
from pairs of exposures; beyond, they are from 38 % finer to 48 % coarser: see
benchmarks/quality/single_frc.md."""
REPEATS = 4
"""Number of random splits of photons, whose correlations are averaged."""
MOST_PHOTONS = 1e12
"""Largest number of photons in a pixel, which no camera reaches."""
MOST_NEGATIVE = 0.01
"""Largest share of pixels that may be below the offset by more than 4 times the read noise."""


class DarkPixelsError(ValueError):
    """Too many pixels are below the offset; the message says how to correct this."""


def single_frc(
    image: ArrayLike,
    split: str = "checkerboard",
    *,
    gain: float | None = None,
    offset: float = 0.0,
    read_noise: float = 0.0,
    pixel_size: float = 1.0,
) -> Agreement:
    """Split an image into two, and correlate their Fourier transforms ring by ring.

    Parameters
    ----------
    image : array, (H, W)
        Grey, any integers or floats. The noise of its pixels must be independent, so it must not
        have been enlarged, denoised, or compressed with loss.
    split : str
        "checkerboard": as `frc` splits a single image, without a shift. "diagonals": as Koho et
        al., corrected to agree with two exposures. "counts": as Rieger et al. With "checkerboard"
        and "counts", each of the two images has half of the light.
    gain : float, optional
        Pixel values per photon, 1 for counts of photons; "counts" needs it.
    offset : float
        Pixel value without light, for "counts".
    read_noise : float
        Standard deviation of the camera's noise in photons, for "counts". Its square is added to
        the counts, so that their mean is nearly their variance, as for photons.
    pixel_size : float
        The side of a pixel, for example in micrometres.

    Returns
    -------
    Agreement
        With "diagonals", the resolution is corrected, but the curve is not. The resolution is NaN
        if it is too fine for the correction, or if the two images agree at every frequency.

    Raises
    ------
    ValueError
        If the split or a parameter is wrong, the image is not grey, too small or constant, or has
        values that are not finite.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if not pixel_size > 0:
        raise ValueError(f"FRC needs a pixel size above 0, got {pixel_size:g}")
    if split == "checkerboard":
        return frc(image, pixel_size=pixel_size)
    if split == "diagonals":
        return _of_diagonals(centred_grey(image), pixel_size)
    counts = counts_of(image, gain, offset, read_noise)
    return _mean([frc(*pair, pixel_size=pixel_size) for pair in thinned(counts)], pixel_size)


def _mean(found: list[Agreement], pixel_size: float) -> Agreement:
    """Return the mean curve and its crossing."""
    correlation = np.mean([one.correlation for one in found], axis=0)
    frequencies = found[0].frequencies
    period = crossing(frequencies, correlation, THRESHOLD, 2 * pixel_size)
    return Agreement(frequencies, correlation, period)


def _of_diagonals(image: NDArray[np.float64], pixel_size: float) -> Agreement:
    """Correlate the two pixels of a diagonal of all 2 x 2 squares; average over both diagonals."""
    height, width = (size // 2 * 2 for size in image.shape)
    if min(height, width) < 2 * LEAST:
        raise ValueError(
            f"FRC needs an image of at least {2 * LEAST} x {2 * LEAST} px to split, got "
            f"{image.shape}"
        )
    square = image[:height, :width].reshape(height // 2, 2, width // 2, 2)
    frequencies, falling = rings(square[:, 0, :, 0], square[:, 1, :, 1])
    _, rising = rings(square[:, 0, :, 1], square[:, 1, :, 0])
    correlation = (falling + rising) / 2
    frequencies = frequencies / (2 * pixel_size)
    raw = crossing(frequencies, correlation, THRESHOLD, math.nan)
    return Agreement(frequencies, correlation, corrected(raw, pixel_size))


def corrected(period: float, pixel_size: float) -> float:
    """Apply Koho's correction to a period; return NaN where the correction is not valid.

    Parameters
    ----------
    period : float
        Where the correlation of "diagonals" crosses the threshold, in units of `pixel_size`.
    pixel_size : float
        The side of a pixel of the image that was split.
    """
    cut = 4 * pixel_size / period  # the split images end at a period of four pixels
    if not cut <= FINEST_CUT:
        return math.nan
    a, b, c, d = CALIBRATION
    # Koho's correction is for a period measured as if the split images had the image's pixel size
    return period / 2 / (a * math.exp(c * (cut - b)) + d)


def counts_of(
    image: ArrayLike, gain: float | None, offset: float = 0.0, read_noise: float = 0.0
) -> NDArray[np.int64]:
    """Return the number of photons of each pixel, plus the variance of the read noise.

    Parameters
    ----------
    image, gain, offset, read_noise
        As for `single_frc`.

    Raises
    ------
    ValueError
        If the gain is missing, a parameter is out of range, the image is not grey or constant, or
        has values that are not finite.
    DarkPixelsError
        If more than 1 % of the pixels are below the offset by more than the read noise explains.
    """
    if gain is None or not (0 < gain < math.inf and math.isfinite(offset) and read_noise >= 0):
        given = "none" if gain is None else f"{gain:g}"
        raise ValueError(
            "splitting photons needs a gain above 0 in pixel values per photon, a finite offset "
            f"and a read noise of at least 0, got gain {given}, offset {offset:g} and read noise "
            f"{read_noise:g}"
        )
    centred_grey(image)  # only to check the image
    pixels = (pixels_of(as_array(image)).astype(np.float64) - offset) / gain
    if pixels.max() > MOST_PHOTONS:
        raise ValueError(
            f"a pixel cannot have more than {MOST_PHOTONS:g} photons, got {pixels.max():g}: give "
            "the gain in pixel values per photon"
        )
    dark = float((pixels < -4 * read_noise).mean())
    if dark > MOST_NEGATIVE:
        raise DarkPixelsError(
            f"{dark:.1%} of the pixels are below the offset {offset:g} by more than 4 times the "
            f"read noise of {read_noise:g} photons: correct the offset (the camera's value without "
            "light) or the read noise"
        )
    counts: NDArray[np.int64] = np.rint(np.maximum(pixels + read_noise**2, 0)).astype(np.int64)
    return counts


def thinned(counts: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of images, (H, W): each photon is in either image, chosen at random.

    Equal counts always give equal pairs.
    """
    random = np.random.default_rng(0)
    for _ in range(REPEATS):
        first = random.binomial(counts, 0.5)
        yield first, counts - first
