"""The metrics by which sets are judged, each a record: name, unit, direction, function.

Letters: H x W pixels.
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
"""What papers on super-resolution report."""
AGAINST_TRUTH = 0.5
"""Correlation of a result with its truth at which detail counts as lost. It stands for the same
detail as 1/7 between two images that both hold noise: Rosenthal and Henderson, Journal of Molecular
Biology 333(4), 2003, https://doi.org/10.1016/j.jmb.2003.07.013."""


class Compare(Protocol):
    """Compares a result with its truth, (H, W) or (H, W, 3) in 0..1, of one shape."""

    def __call__(
        self, result: NDArray[Any], truth: NDArray[Any], *, border: int, luma: bool
    ) -> float:
        """Return the figure; NaN where the images have none."""


@dataclass(frozen=True)
class Metric:
    """One way to compare a result with its truth."""

    name: str
    """For the command line and for programs."""
    title: str
    """For readers."""
    unit: str
    """Empty where the figure has none."""
    less_is_better: bool
    decimals: int
    """That readers are shown; programs get two more."""
    least: int
    """Pixels a side that must be left inside the border: smaller images have no figure."""
    compare: Compare
    colours: bool = False
    """Whether RGB is judged as it looks, even where others judge its luma."""
    prepare: Callable[[], object] = lambda: None
    """Gets what `compare` needs, so that what is missing is told early."""

    @property
    def heading(self) -> str:
        """For a column: title, unit, and the direction where it is not the usual."""
        named = f"{self.title}, {self.unit}" if self.unit else self.title
        return f"{named} (less is better)" if self.less_is_better else named

    def shown(self, value: float) -> str:
        """Return a figure with title and unit: "PSNR 31.20 dB"."""
        return f"{self.title} {value:.{self.decimals}f} {self.unit}".rstrip()


def _finest(result: NDArray[Any], truth: NDArray[Any], *, border: int, luma: bool) -> float:
    """Return the period of the finest detail of the truth that a result has, in its pixels."""
    first, second = comparable(result, truth, border, luma=True)
    if not (np.ptp(first) and np.ptp(second)):  # nothing to agree on
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
"""By name."""


def chosen(names: Sequence[str]) -> tuple[Metric, ...]:
    """Return the metrics of some names, each once, in their order.

    Raises
    ------
    ValueError
        If one is unknown, or none is named.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(
            f"metrics must be one or more of {', '.join(METRICS)}, got "
            f"{', '.join(map(repr, unknown)) or 'none'}"
        )
    return tuple(METRICS[name] for name in dict.fromkeys(names))
