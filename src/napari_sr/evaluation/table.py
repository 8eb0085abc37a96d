"""The figures of one image, and those of a set with their means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Row:
    """How near a network's result came to one image."""

    image: str
    figures: Mapping[str, float]
    """By the names of the metrics; NaN where an image is too small for one."""
    flat: bool = False
    """Whether the truth has no structure by which anything could be judged."""

    @property
    def psnr(self) -> float:
        """In dB."""
        return self.figures["psnr"]

    @property
    def ssim(self) -> float:
        """NaN where the image is smaller than SSIM's window."""
        return self.figures["ssim"]


@dataclass(frozen=True)
class Table:
    """How near a network's results came to all images of a set."""

    model: str
    set_name: str
    scale: int
    rows: tuple[Row, ...]
    made: bool
    """Whether small images were made by us rather than read."""

    @property
    def means(self) -> dict[str, float]:
        """The mean of every metric that was asked for, by its name.

        Over images that are not flat, and of figures that are not infinite; NaN where all are flat.
        """
        rows = [row for row in self.rows if not row.flat]
        return {name: _mean([row.figures[name] for row in rows]) for name in self.rows[0].figures}

    @property
    def notes(self) -> tuple[str, ...]:
        """Which images are left out of the means, and why, in words."""
        flat = [row.image for row in self.rows if row.flat]
        infinite = [
            row.image
            for row in self.rows
            if not row.flat and any(map(math.isinf, row.figures.values()))
        ]
        reasons = {
            "flat images, by which nothing can be judged": flat,
            "infinite figures": infinite,
        }
        named = f"{self.set_name} x{self.scale}, {self.model}: left out of the means are"
        return tuple(
            f"{named} {reason}: {', '.join(images)}" for reason, images in reasons.items() if images
        )

    @property
    def psnr(self) -> float:
        """The mean over images, in dB."""
        return self.means["psnr"]

    @property
    def ssim(self) -> float:
        """The mean over images."""
        return self.means["ssim"]


def _mean(figures: Sequence[float]) -> float:
    """Return the mean of what is not infinite, if anything is not; NaN of nothing."""
    finite = [figure for figure in figures if not math.isinf(figure)]
    return fmean(finite or figures) if figures else math.nan
