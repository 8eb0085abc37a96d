"""What a model was trained on, as far as it decides which images the model suits.

The registry holds the facts of known models, and the card of our training those of own networks.
Anybody can write a card, so each value is checked. Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CLEAN = 0.01
"""Noise of training images, as a share of white, up to which a model takes noise for detail."""
SPOT = 0.21
"""Standard deviation of a Gaussian like a microscope's spot, in wavelengths over the aperture
(Zhang, Zerubia and Olivo-Marin 2007, https://doi.org/10.1364/AO.46.001819, widefield in 2D)."""
NOISELESS = "bicubic", "blur"
"""Degradations that add no noise."""

Between = tuple[float, float]
"""Least and largest value."""


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on; None for what is unknown."""

    images: str = ""
    """The kind of images, in words; "" if unknown."""
    noise: Between | None = None
    """Standard deviation of the noise of LR images, as a share of white."""
    blur: Between | None = None
    """Standard deviation of the blur, in LR pixels; 0 is as sharp as bicubic shrinking."""
    pixel: Between | None = None
    """Side of an LR pixel in micrometres."""
    grey: bool = False
    """Whether it saw grey images only, not the luma of colours."""
    invents: bool = False
    """Whether it was rewarded for texture that looks real, so that its detail is made up."""

    @property
    def removes_noise(self) -> bool:
        """Whether it learned to remove noise."""
        return self.noise is not None and self.noise[1] > CLEAN

    @property
    def faithful(self) -> bool:
        """Whether it is known to have learned clean images, and not to invent texture."""
        return self.noise is not None and not self.removes_noise and not self.invents


UNKNOWN = TrainingFacts()
"""Nothing is known of a training."""


def facts_from(record: dict[str, Any]) -> TrainingFacts:
    """Return the facts in a record of the registry, whose lists become tuples."""
    pairs: dict[str, Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in record.items()
    }
    return TrainingFacts(**pairs)
