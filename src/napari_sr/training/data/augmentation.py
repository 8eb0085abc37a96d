"""Flips and quarter turns: the eight ways in which a square lies on itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Pose:
    """One of the eight ways."""

    flipped: bool = False
    """Left for right, before it is turned."""
    turns: int = 0
    """Quarters, counter-clockwise."""

    def lay(self, image: Tensor) -> Tensor:
        """Return an image (..., P, P) in this pose."""
        image = image.flip(-1) if self.flipped else image
        return torch.rot90(image, self.turns, (-2, -1))


@dataclass(frozen=True)
class Augmentation:
    """Which poses occur; all that do are equally likely."""

    flips: bool = True
    turns: bool = True

    def draw(self, random: np.random.Generator) -> Pose:
        """Draw a pose."""
        flipped, turns = bool(random.integers(2)), int(random.integers(4))
        return Pose(flipped and self.flips, turns if self.turns else 0)
