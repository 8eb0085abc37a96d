"""The scores of a network: figures for each image of a set, and their means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Row:
    """The figures of a network's result for one image."""

    image: str
    figures: Mapping[str, float]
    """Figure for each metric's name; NaN if the image is too small for the metric."""
    flat: bool = False
    """Whether the true image is flat, so that its score is left out of means."""

    @property
    def psnr(self) -> float:
        """PSNR in dB."""
        return self.figures["psnr"]

    @property
    def ssim(self) -> float:
        """SSIM; NaN if the image is smaller than SSIM's window."""
        return self.figures["ssim"]


@dataclass(frozen=True)
class Table:
    """The figures of a network's results for all images of a set."""

    model: str
    set_name: str
    scale: int
    rows: tuple[Row, ...]
    made: bool
    """Whether LR images were made from the HR images instead of read from files."""

    @property
    def means(self) -> dict[str, float]:
        """The mean of every metric, under the metric's name.

        Flat images and infinite figures are left out; NaN if all images are flat.
        """
        rows = [row for row in self.rows if not row.flat]
        return {name: _mean([row.figures[name] for row in rows]) for name in self.rows[0].figures}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that name the images left out of the means, and the reasons."""
        flat = [row.image for row in self.rows if row.flat]
        infinite = [
            row.image
            for row in self.rows
            if not row.flat and any(map(math.isinf, row.figures.values()))
        ]
        reasons = {
            "flat images, for which scores are meaningless": flat,
            "infinite figures": infinite,
        }
        named = f"{self.set_name} x{self.scale}, {self.model}: the means leave out"
        return tuple(
            f"{named} {reason}: {', '.join(images)}" for reason, images in reasons.items() if images
        )

    @property
    def psnr(self) -> float:
        """Mean PSNR over the images, in dB."""
        return self.means["psnr"]

    @property
    def ssim(self) -> float:
        """Mean SSIM over the images."""
        return self.means["ssim"]


def _mean(figures: Sequence[float]) -> float:
    """Return the mean of finite figures; infinity if all are infinite, NaN if there are none."""
    finite = [figure for figure in figures if not math.isinf(figure)]
    return fmean(finite or figures) if figures else math.nan
