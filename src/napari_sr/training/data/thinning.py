"""Thinning: each photon goes to the input or to the target, chosen at random.

If an image has Poisson noise, both parts have independent Poisson noise. Krull et al., "Image
Denoising and the Generative Accumulation of Photons", WACV 2024, https://arxiv.org/abs/2307.06607,
learn from such a split. Read noise of variance r^2 counts as r^2 more photons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.training.data.degradation import check_share
from napari_sr.training.data.from_source import FromSource
from napari_sr.training.data.spot import Spot

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

    from napari_sr.training.data.pictures import Picture

MOST_PHOTONS = 1e15
"""Largest number of photons in a pixel that can be split."""


@dataclass(frozen=True)
class Thinning(FromSource):
    """Binomial thinning of photon counts; the noise must grow with the signal."""

    share: float = 0.8
    """Share of the photons in the input, between 0 and 1."""

    def __post_init__(self) -> None:
        """Check the share, as `check_share` does."""
        check_share(self.share)

    def fitted(self, picture: Picture) -> Self:
        """Return this with the noise of a picture, for black at 0 and white at 1.

        Raises
        ------
        ValueError
            If the noise does not grow with the signal, or the picture is too small.
        """
        found = super().fitted(picture)
        if found.noise.gain == 0:
            raise ValueError(
                f"thinning needs noise that grows with the signal, but in {picture.name} it does "
                "not: give a gain above 0, or choose recorruption"
            )
        return found

    def realisations(self, image: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target, (C, H, W), made from a noisy image."""
        noise, share = self.noise, self.share
        more = noise.read_noise**2
        photons = (image.double().numpy() - noise.offset) / noise.gain + more
        # rounded up or down at random, so that the mean stays right
        drawn = random.random(photons.shape)
        counts = np.floor(photons.clip(0, MOST_PHOTONS) + drawn).astype(np.int64)
        first = random.binomial(counts, share)
        rest = photons.clip(max=0)  # values below 0 cannot be split; both parts keep them
        parts = first / share + rest, (counts - first) / (1 - share) + rest
        images = [noise.offset + noise.gain * (part - more) for part in parts]
        return torch.from_numpy(images[0]).to(image.dtype), torch.from_numpy(images[1]).to(
            image.dtype
        )

    @property
    def input_noise(self) -> float:
        """Variance of noise in the input, relative to that of the source."""
        return 1 / self.share

    @property
    def across(self) -> bool:
        """Whether a network can also learn from the source as an HR image."""
        # with a spot, the result must be sharper than the source
        return self.spot == Spot()


DEGRADATION = Thinning
