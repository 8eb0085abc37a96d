"""The base of degradations, which make LR images from HR images.

Symbols: C channels, H x W pixels of the LR image, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from torch import Tensor

    from napari_sr.training.data.pictures import Picture

Range: TypeAlias = float | tuple[float, float]
"""A value, or a range; every crop draws a value from the range."""


class Degradation:
    """Makes an LR image from an image that is S times larger.

    `shrink` downscales; it is not random, and an LR pixel depends only on HR pixels within a margin
    around it. So a crop that is shrunk together with its margin equals the same part of the shrunk
    image. `disturb` then adds random noise to each pixel independently.
    """

    needs_mean: ClassVar[bool] = False
    """Whether the noise depends on the mean of the whole image; `of_image` is then called."""

    from_source: ClassVar[bool] = False
    """Whether input and target are both made from one noisy source, at its size."""

    @property
    def across(self) -> bool:
        """Whether a noisy source can also take the place of the HR image."""
        return False

    @property
    def repeatable(self) -> bool:
        """Whether a crop equals, bit for bit, the same part of the degraded image."""
        return False

    def margin(self, scale: int) -> int:
        """Return the width of the margin that a crop depends on, in LR pixels."""
        raise NotImplementedError(f"{type(self).__name__} defines no margin")

    def drawn(self, random: np.random.Generator) -> Self:
        """Return this degradation with a value drawn from every range."""
        return self

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Downscale an image, without noise.

        Parameters
        ----------
        hr : Tensor, (C, S * H, S * W)
            float32 in 0..1.
        scale : int
            S.
        steps : int, optional
            White in an image of integer type, 255 or 65535: the LR image is rounded to multiples of
            1 / `steps`. None for other types.

        Returns
        -------
        Tensor, (C, H, W)
            float32.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no downscaling")

    def of_image(self, mean: float) -> Self:
        """Return this degradation for an image whose truth has this mean, where white is 1."""
        return self

    def seen(self, hr: Tensor, scale: int) -> Tensor:
        """Return the truth of (C, S * H, S * W): the image that the network should return."""
        return hr

    def noise_at(self, mean: float) -> float:
        """Return the level of the noise that `disturb` adds, for networks that take it.

        Parameters
        ----------
        mean : float
            Mean of the whole LR image without noise, where white is 1.

        Returns
        -------
        float
            Standard deviation over the whole image, where white is 1.
        """
        return 0.0

    def fitted(self, picture: Picture) -> Self:
        """Return this degradation with what must be measured on a picture."""
        return self

    def split(self, lr: Tensor, hr: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the network's input and its target, made from an LR and an HR image."""
        return self.disturb(lr, random), hr

    def disturb(self, lr: Tensor, random: np.random.Generator) -> Tensor:
        """Add noise to (C, H, W), independently for each pixel."""
        return lr


def check_range(name: str, value: Range, least: float = 0.0) -> None:
    """Check that a range is not empty, and that its values are above `least`.

    Raises
    ------
    ValueError
        If the range is wrong; the message names it and its value.
    """
    low, high = value if isinstance(value, tuple) else (value, value)
    if not (least < low <= high < math.inf):
        raise ValueError(
            f"{name} needs a number above {least:g}, or a range (low, high), got {value}"
        )


def check_share(share: float) -> None:
    """Check that a share is neither nothing nor all.

    Raises
    ------
    ValueError
        If it is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")


def draw(value: Range, random: np.random.Generator, *, ratio: bool = False) -> float:
    """Draw a value from a range: uniformly, or log-uniformly if `ratio`."""
    if not isinstance(value, tuple):
        return float(value)
    low, high = value
    if ratio:
        return math.exp(random.uniform(math.log(low), math.log(high)))
    return float(random.uniform(low, high))
