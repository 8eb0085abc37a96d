"""What a degradation is: how an LR image is made of an HR image.

Letters: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from torch import Tensor

Range: TypeAlias = float | tuple[float, float]
"""A value, or a range from which every crop draws its own."""


class Degradation:
    """Makes an LR image of one that is S times larger.

    Shrinking draws nothing and looks at a margin around each pixel, so that a crop with its margin
    gives what the whole image gives there. Disturbing draws, for every pixel alone.
    """

    @property
    def repeatable(self) -> bool:
        """Whether every crop is bit for bit what the whole image gives there.

        The whole may then be shrunk once and for all.
        """
        return False

    def margin(self, scale: int) -> int:
        """Return how many LR pixels around a crop its pixels depend on."""
        raise NotImplementedError(f"{type(self).__name__} tells no margin")

    def drawn(self, random: np.random.Generator) -> Self:
        """Return this degradation with a value drawn from every range."""
        return self

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Shrink an image.

        Parameters
        ----------
        hr : Tensor, (C, S * H, S * W)
            float32 in 0..1.
        scale : int
            S.
        steps : int, optional
            The integer that is white, 255 or 65535, where the image is of an integer type and the
            LR image is rounded to it, too; None where it is not.

        Returns
        -------
        Tensor, (C, H, W)
            float32.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot shrink")

    def disturb(self, lr: Tensor, random: np.random.Generator) -> Tensor:
        """Add noise to (C, H, W), each pixel by itself."""
        return lr


def check_range(name: str, value: Range, least: float = 0.0) -> None:
    """Refuse a range that is empty, or not all above the least (which itself is no value).

    Raises
    ------
    ValueError
        With its name and what came.
    """
    low, high = value if isinstance(value, tuple) else (value, value)
    if not (least < low <= high < math.inf):
        raise ValueError(
            f"{name} needs a number above {least:g}, or (low, high) of such, got {value}"
        )


def draw(value: Range, random: np.random.Generator, *, ratio: bool = False) -> float:
    """Draw from a range, evenly, or where it is a `ratio`, evenly in its logarithm."""
    if not isinstance(value, tuple):
        return float(value)
    low, high = value
    if ratio:
        return math.exp(random.uniform(math.log(low), math.log(high)))
    return float(random.uniform(low, high))
