"""Resolution-scaled error map: where a result differs from its source, at the source's resolution.

Culley et al., "Quantitative mapping and minimization of super-resolution optical imaging
artifacts", Nature Methods 15, 2018, https://doi.org/10.1038/nmeth.4605 (SQUIRREL)

The source is enlarged by bicubic interpolation. The result is blurred by a Gaussian, and its values
are transformed linearly; both are fitted to make the result as similar to the source as possible.

What differs from the paper: the blur is fitted in the middle of large images.

Symbols: H x W pixels of the source, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.evaluation._imresize import imresize
from napari_sr.evaluation.resolution_images import Images

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BLURS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Blurs that are tried first, as standard deviations in pixels of the source; the best is refined
between its neighbours."""
FIT_SIDE = 512
"""The blur is fitted in the middle of the result, in a square of this side in pixels."""
PRECISION = 1e-3
"""Precision of the fitted blur, in pixels of the result."""


@dataclass(frozen=True)
class ErrorMap:
    """The differences between a result and its source."""

    map: NDArray[np.float32]
    """(S * H, S * W), absolute differences in values of the source."""
    rse: float
    """Resolution-scaled error: the root mean square of the differences, which include the source's
    noise."""
    rsp: float
    """Resolution-scaled Pearson correlation, from -1 to 1; 1 for full agreement."""
    blur: float
    """Standard deviation of the fitted Gaussian, in pixels of the result."""
    is_widest: bool
    """Whether the blur is as wide as allowed, so that a wider one might fit better."""


def error_map(source: ArrayLike, result: ArrayLike) -> ErrorMap:
    """Blur a result to the resolution of its source, and compare the two.

    Parameters
    ----------
    source : array, (H, W) or (H, W, 3)
        Grey or RGB, any integers or floats; colours are compared as luma.
    result : array, (S * H, S * W) or with colours
        The upscaled source.

    Returns
    -------
    ErrorMap

    Raises
    ------
    ValueError
        If the shapes do not fit, an image is constant, or has values that are not finite.
    """
    images = Images.of(source, result)
    if images.result is None:
        raise ValueError("an error map needs a result, got None")
    seen = images.source.astype(np.float64)
    wanted = np.asarray(imresize(seen, images.scale) if images.scale > 1 else seen)
    return _compared(wanted, images.result.astype(np.float64), images.scale)


def _compared(wanted: NDArray[np.float64], result: NDArray[np.float64], scale: int) -> ErrorMap:
    """Fit the blur, then the linear transform, and compare."""
    middle = tuple(
        slice(max((size - FIT_SIDE) // 2, 0), (size + FIT_SIDE) // 2) for size in wanted.shape
    )
    blur = _fitted(result[middle], wanted[middle], scale)
    blurred = _blurred(result, blur)
    correlation = _correlation(blurred, wanted)
    slope = correlation * wanted.std() / (blurred.std() or 1.0)
    differences = slope * (blurred - blurred.mean()) - (wanted - wanted.mean())
    return ErrorMap(
        np.abs(differences).astype(np.float32),
        float(np.sqrt((differences**2).mean())),
        correlation,
        blur,
        BLURS[-1] * scale - blur < 2 * PRECISION,
    )


def _fitted(result: NDArray[np.float64], wanted: NDArray[np.float64], scale: int) -> float:
    """Return the blur, in pixels of the result, that makes it most similar to another image."""
    from scipy.optimize import minimize_scalar

    def unlike(blur: float) -> float:
        return -abs(_correlation(_blurred(result, blur), wanted))

    tried = [scale * blur for blur in BLURS]
    at = int(np.argmin([unlike(blur) for blur in tried]))
    ends = tried[max(at - 1, 0)], tried[min(at + 1, len(tried) - 1)]
    options = {"xatol": PRECISION}
    refined = minimize_scalar(unlike, bounds=ends, method="bounded", options=options).x
    return min((tried[at], float(refined)), key=unlike)


def _blurred(image: NDArray[np.float64], blur: float) -> NDArray[Any]:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(image, blur) if blur else image


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return Pearson's correlation, or 0 if an image is constant."""
    first, second = one - one.mean(), other - other.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum() / size) if size else 0.0
