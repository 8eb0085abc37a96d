"""The metrics for image sets, as records: name, unit, direction, function.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_sr.evaluation import perceptual
from napari_sr.evaluation._frc import LEAST, frc
from napari_sr.evaluation._images import comparable
from napari_sr.evaluation._psnr import psnr
from napari_sr.evaluation._ssim import WINDOW, ssim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

USUAL = ("psnr", "ssim")
"""The metrics that papers on super-resolution report."""
AGAINST_TRUTH = 0.5
"""Detail counts as present if the correlation of a result with its truth is at least this. For two
noisy images, this corresponds to a threshold of 1/7: Rosenthal and Henderson, Journal of Molecular
Biology 333(4), 2003, https://doi.org/10.1016/j.jmb.2003.07.013."""


class Compare(Protocol):
    """A function that compares a result with its truth, both (H, W) or (H, W, 3) in 0..1."""

    def __call__(
        self, result: NDArray[Any], truth: NDArray[Any], *, border: int, luma: bool
    ) -> float:
        """Return the figure; NaN if it is undefined for the images."""


@dataclass(frozen=True)
class Metric:
    """A metric: a comparison of a result with its truth."""

    name: str
    """Name on the command line and in programs."""
    title: str
    """Name for readers."""
    unit: str
    """The unit's symbol, or "" if there is no unit."""
    less_is_better: bool
    decimals: int
    """Number of decimals in tables for readers; tables for programs have two more."""
    least: int
    """Smallest side inside the border, in pixels; smaller images get no figure."""
    compare: Compare
    colours: bool = False
    """Whether the metric always compares RGB in colour, never by luma."""
    prepare: Callable[[], object] = lambda: None
    """Loads what `compare` needs, so that errors appear before the first image."""

    @property
    def heading(self) -> str:
        """Return a column's heading: title, unit, and the direction if it is unusual."""
        named = f"{self.title}, {self.unit}" if self.unit else self.title
        return f"{named} (less is better)" if self.less_is_better else named

    def shown(self, value: float) -> str:
        """Format a figure with title and unit: "PSNR 31.20 dB"."""
        return f"{self.title} {value:.{self.decimals}f} {self.unit}".rstrip()


def _finest(result: NDArray[Any], truth: NDArray[Any], *, border: int, luma: bool) -> float:
    """Return the period of the finest detail that result and truth share, in pixels."""
    first, second = comparable(result, truth, border, luma=True)
    if not (np.ptp(first) and np.ptp(second)):  # a constant image has no detail
        return float("nan")
    return frc(first[..., 0], second[..., 0], threshold=AGAINST_TRUTH).resolution


def _looks(
    distance: Callable[..., float],
    result: NDArray[Any],
    truth: NDArray[Any],
    *,
    border: int,
    luma: bool,
) -> float:
    return distance(result, truth, border=border)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "dB", False, 2, 1, psnr),
        Metric("ssim", "SSIM", "", False, 4, WINDOW, ssim),
        Metric("frc", "FRC with the truth", "px", True, 2, LEAST, _finest),
        *(
            Metric(name.lower(), name, "", True, 4, perceptual.LEAST, partial(_looks, distance),
                   colours=True, prepare=partial(perceptual.prepare, name))
            for name, distance in (("LPIPS", perceptual.lpips), ("DISTS", perceptual.dists))
        ),
    )
}  # fmt: skip
"""All metrics by name."""


def chosen(names: Sequence[str]) -> tuple[Metric, ...]:
    """Return the named metrics in this order, without repetitions.

    Raises
    ------
    ValueError
        If a metric is unknown, or no metric is named.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(
            f"metrics must be one or more of {', '.join(METRICS)}, got "
            f"{', '.join(map(repr, unknown)) or 'none'}"
        )
    return tuple(METRICS[name] for name in dict.fromkeys(names))
