"""Draw the crops of each step.

Crops depend only on seed, rank and step, so training can be resumed exactly.

Symbols: N crops, C channels, P pixels along an LR crop, S scale.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from napari_sr.training.data.degradation import Degradation
from napari_sr.training.data.folder import MEMORY
from napari_sr.training.data.pairs import Pairs, check_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.training.data.pictures import Picture

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """The position and the orientation of a crop."""

    index: int
    """Index of the pair."""
    top: int
    left: int
    """First row and column of the crop, in LR pixels."""
    pose: Pose


class Crops:
    """Batches of crops; each depends only on seed, rank and step.

    So resuming needs no random generator's state, and any thread may draw any step.

    Parameters
    ----------
    pictures : sequence of Picture
        The pictures; at least one must be larger than a crop.
    degradation : Degradation or sequence of Picture
        The degradation that makes the LR images, or the recorded LR images, one for each picture.
    scale : int
        S.
    crop : int
        P.
    batch : int
        N, for each process.
    channels : int
        C: 1 or 3, as for `Pairs`.
    full_range, takes_noise : bool
        As for `Pairs`.
    seed, rank : int
        Equal seeds and ranks give equal crops; processes that train together have different ranks.
    augmentation : Augmentation, optional
        Orientations of the crops; by default all eight.
    small_pictures : {"refuse", "leave out"}
        What to do with pictures smaller than a crop.
    memory : int
        Bytes of LR images to keep in memory.

    Raises
    ------
    ValueError
        If pictures are too small or missing, or a number is out of bounds; and as for `Pairs`.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        degradation: Degradation | Sequence[Picture],
        *,
        scale: int,
        crop: int,
        batch: int,
        channels: int = 3,
        full_range: bool = False,
        takes_noise: bool = False,
        seed: int = 0,
        rank: int = 0,
        augmentation: Augmentation | None = None,
        small_pictures: Literal["refuse", "leave out"] = "refuse",
        memory: int = MEMORY,
    ) -> None:
        if crop < 1 or batch < 1 or seed < 0 or rank < 0:
            raise ValueError(
                "crop and batch must be at least 1, seed and rank at least 0, got "
                f"crop={crop}, batch={batch}, seed={seed}, rank={rank}"
            )
        if not isinstance(degradation, Degradation):
            check_fit(pictures, degradation, scale)
        found = _large_enough(pictures, crop * scale, small_pictures)
        enough = [pictures[index] for index in found]
        if not isinstance(degradation, Degradation):
            degradation = [degradation[index] for index in found]
        self.pairs = Pairs(
            enough,
            degradation,
            scale=scale,
            channels=channels,
            full_range=full_range,
            takes_noise=takes_noise,
            memory=memory,
        )
        self.crop = crop
        self.size = batch
        self.seed = seed
        self.rank = rank
        self.augmentation = augmentation or Augmentation()
        # every position in every picture is equally likely
        sizes = [self.pairs.size(index) for index in range(len(self.pairs))]
        places = np.array([(h - crop + 1) * (w - crop + 1) for h, w in sizes], dtype=np.float64)
        self._bounds = np.cumsum(places) / places.sum()

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Draw the crops of a step.

        Parameters
        ----------
        step : int
            Number of the step, from 0.

        Returns
        -------
        tuple of Tensor, (N, C, P, P) and (N, C, S * P, S * P)
            float32, black at 0 and white at 1, on the CPU.
        """
        random = np.random.default_rng((self.seed, self.rank, step))
        drawn = [self._draw(random) for _ in range(self.size)]
        lrs, hrs = zip(*drawn, strict=True)
        return torch.stack(lrs), torch.stack(hrs)

    def place(self, random: np.random.Generator) -> Place:
        """Draw the position of a crop."""
        index = int(np.searchsorted(self._bounds, random.random(), side="right"))
        index = min(index, len(self.pairs) - 1)  # rounding may leave the last bound below 1
        top, left = (int(random.integers(s - self.crop + 1)) for s in self.pairs.size(index))
        return Place(index, top, left, self.augmentation.draw(random))

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        at = self.place(random)
        rows, columns = slice(at.top, at.top + self.crop), slice(at.left, at.left + self.crop)
        lr, hr = self.pairs.window(at.index, rows, columns, random)
        return at.pose.apply(lr), at.pose.apply(hr)


def _large_enough(
    pictures: Sequence[Picture], least: int, small_pictures: Literal["refuse", "leave out"]
) -> list[int]:
    """Return the indices of the pictures that are large enough for a crop."""
    enough = [
        index
        for index, picture in enumerate(pictures)
        if min(picture.height, picture.width) >= least
    ]
    too_small = [picture for picture in pictures if min(picture.height, picture.width) < least]
    if too_small and (not enough or small_pictures == "refuse"):
        first = too_small[0]
        raise ValueError(
            f"pictures must be at least {least} x {least} pixels, the size of a crop, but "
            f"{len(too_small)} of {len(pictures)} are smaller, such as {first.name} with "
            f"{first.height} x {first.width}: choose a smaller crop, or leave small pictures out"
        )
    if too_small:
        logger.info("%d of %d pictures are smaller than a crop", len(too_small), len(pictures))
    return enough


@dataclass(frozen=True)
class Pose:
    """One of the eight orientations of a crop."""

    flipped: bool = False
    """Whether to mirror left and right, before the rotation."""
    turns: int = 0
    """Quarter turns, counter-clockwise."""

    def apply(self, image: Tensor) -> Tensor:
        """Bring an image, (..., P, P), into this orientation."""
        image = image.flip(-1) if self.flipped else image
        return torch.rot90(image, self.turns, (-2, -1))


@dataclass(frozen=True)
class Augmentation:
    """The orientations to draw from, all with equal probability."""

    flips: bool = True
    turns: bool = True

    def draw(self, random: np.random.Generator) -> Pose:
        """Draw an orientation."""
        flipped, turns = bool(random.integers(2)), int(random.integers(4))
        return Pose(flipped and self.flips, turns if self.turns else 0)
