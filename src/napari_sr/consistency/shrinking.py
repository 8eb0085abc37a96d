"""Shrink a result as the training images of its network were shrunk.

This module is for whole scales, `factor_shrinking` for any other factor. Bicubic interpolation is
MATLAB's `imresize`; see `layers.resize`. Optics are simulated by a Gaussian blur, cut off at 4
standard deviations, and the mean of S x S pixels, as in a camera's binning. Both are weighted sums
of pixels along one axis, then along the other, so a part of a result can be shrunk separately.

Symbols: S scale, H x W pixels of the source, T taps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.graph.factor import Factor

Ends = tuple[bool, bool]
"""Whether the image ends before and after a part of an axis, so that it is continued there."""


@dataclass(frozen=True)
class Shrinking:
    """The method by which a result is shrunk to the size of its source."""

    scale: Factor
    blur: float | None = None
    """Standard deviation of the optics' blur in pixels of the result; None for bicubic."""

    def at(self, start: int) -> Shrinking:  # for any factor, it matters
        """Return the method for a part of the source's axis that begins at a pixel."""
        return self

    @property
    def record(self) -> dict[str, str | float]:
        """The entries for the run's record."""
        if self.blur is None:
            return {"shrunk": "bicubic"}
        return {"shrunk": "blurred and binned", "blur": self.blur}

    @cached_property
    def taps(self) -> tuple[int, NDArray[np.float64]]:
        """First pixel of the result, and weights, (T,), for pixel 0 of the source along an axis."""
        scale = int(self.scale)
        return bicubic_taps(scale) if self.blur is None else _binned(scale, self.blur)

    @property
    def border(self) -> Literal["symmetric", "edge"]:
        """The way to continue the image beyond its border: a mode of `numpy.pad`."""
        return "symmetric" if self.blur is None else "edge"

    def reach(self, span: slice) -> slice:
        """Return the pixels of the result that a span of the source needs, even if outside it."""
        (first, weights), scale = self.taps, int(self.scale)
        start = scale * span.start + first
        return slice(start, scale * (span.stop - 1) + first + len(weights))

    def along_rows(self, pixels: NDArray[np.float64], span: slice) -> NDArray[np.float64]:
        """Shrink the rows that `reach` returns for a span of the source."""
        (_, weights), scale = self.taps, int(self.scale)
        last = scale * (span.stop - span.start - 1) + 1
        total = pixels[:last:scale] * weights[0]
        for tap in range(1, len(weights)):
            total += pixels[tap : tap + last : scale] * weights[tap]
        found: NDArray[np.float64] = total
        return found

    def extended(
        self, pixels: NDArray[np.float64], axis: int, missing: tuple[int, int], ends: Ends
    ) -> NDArray[np.float64]:
        """Return pixels of a part with the missing pixels before and after it added.

        Where the image ends, they continue it as `border` says. Where only the part ends, they are
        NaN.
        """
        for unknown in (True, False):  # NaN first, because a reflection may contain them
            widths = [
                0 if known is unknown else count for known, count in zip(ends, missing, strict=True)
            ]
            if any(widths):
                around = [(0, 0)] * pixels.ndim
                around[axis] = (widths[0], widths[1])
                if unknown:
                    pixels = np.pad(pixels, around, constant_values=np.nan)
                else:
                    pixels = np.pad(pixels, around, mode=self.border)
        return pixels


def apply(
    pixels: NDArray[np.float64],
    shrinking: tuple[Shrinking, Shrinking],
    spans: tuple[slice, slice],
) -> NDArray[np.float64]:
    """Shrink a part of a plane.

    Parameters
    ----------
    pixels : array, (H', W') or (H', W', C)
        The part of the result that `Shrinking.reach` returns for the spans.
    shrinking : (Shrinking, Shrinking)
        The method along rows and columns.
    spans : (slice, slice)
        Rows and columns of the source.

    Returns
    -------
    array, (H, W) or (H, W, C)
    """
    rows = shrinking[0].along_rows(pixels, spans[0])
    turned = np.ascontiguousarray(rows.swapaxes(0, 1))  # sums of whole rows are faster
    return shrinking[1].along_rows(turned, spans[1]).swapaxes(0, 1)


def bicubic_taps(scale: int) -> tuple[int, NDArray[np.float64]]:
    """Return first pixel and weights of Keys' cubic kernel, widened by the scale."""
    centre = (scale - 1) / 2
    first = int(np.floor(centre - 2 * scale)) + 1
    found = np.arange(first, first + 4 * scale + 1)
    x = np.abs(found - centre) / scale
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
    used = np.flatnonzero(weights)
    weights = weights[used[0] : used[-1] + 1]
    return first + int(used[0]), weights / weights.sum()


def _binned(scale: int, blur: float) -> tuple[int, NDArray[np.float64]]:
    """Return first pixel and weights of a Gaussian blur, followed by the mean of `scale` pixels."""
    weights = gaussian_taps(blur)
    return -(len(weights) // 2), np.convolve(weights, np.full(scale, 1 / scale))


def gaussian_taps(blur: float) -> NDArray[np.float64]:
    """Return the weights of a Gaussian blur, whose standard deviation is in pixels."""
    radius = int(4 * blur + 0.5)
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (x / blur) ** 2) if blur else np.ones(1)
    found: NDArray[np.float64] = weights / weights.sum()
    return found
