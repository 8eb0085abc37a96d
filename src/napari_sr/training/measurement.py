"""Compare results with a noisy source: blur them by the spot, and bin them to its pixels.

Symbols: N crops, C channels, H x W pixels of the source, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from napari_sr.training.data.from_source import FromSource
from napari_sr.training.data.training_data import degradation_of

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.training.config import Config
    from napari_sr.training.data.spot import Spot

BORDER = 4
"""Pixels of the source, at each side of a crop, that are not compared: the network does not see
what lies beyond."""


class Measurement:
    """What a microscope with this spot and the source's pixels would record of a result."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot

    def __call__(self, result: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return a result as it would be recorded, and its target, without their borders.

        Where the target is NaN, both become 0.

        Parameters
        ----------
        result : Tensor, (N, C, S * H, S * W)
            Results of a network.
        target : Tensor, (N, C, H, W)
            The second noise realisation; NaN at pixels that must not be compared.
        """
        recorded = inner(self.recorded(result, result.shape[-1] // target.shape[-1]))
        target = inner(target)
        hidden = target.isnan()
        return recorded.masked_fill(hidden, 0), target.masked_fill(hidden, 0)

    def recorded(self, result: Tensor, scale: int) -> Tensor:
        """Blur (N, C, S * H, S * W) by the spot, and average S x S pixels: (N, C, H, W)."""
        kernel = self.spot.kernel(scale)
        if kernel is not None:
            channels, reach = result.shape[1], kernel.shape[0] // 2
            weights = kernel.to(result).expand(channels, 1, -1, -1)
            around = functional.pad(result, (reach,) * 4, mode="replicate")
            result = functional.conv2d(around, weights, groups=channels)
        return functional.avg_pool2d(result, scale)


def inner(image: Tensor) -> Tensor:
    """Return (..., H, W) without its border."""
    height, width = image.shape[-2:]
    border = min(BORDER, (min(height, width) - 1) // 2)
    return image[..., border : height - border, border : width - border]


def measurement_of(config: Config) -> Measurement | None:
    """Return the measurement of a recipe that learns from noisy sources; otherwise None."""
    degradation = degradation_of(config.data)
    return Measurement(degradation.spot) if isinstance(degradation, FromSource) else None
