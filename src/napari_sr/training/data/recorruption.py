"""Recorruption: add noise to the input, and subtract it, scaled, from the target.

Pang et al., "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising", CVPR
2021, https://openaccess.thecvf.com/content/CVPR2021/html/Pang_Recorrupted-to-Recorrupted_CVPR_2021_paper.html
Qiao et al., "Zero-shot learning enables instant denoising and super-resolution in optical
fluorescence microscopy" (ZS-DeconvNet), Nature Communications 15, 2024,
https://doi.org/10.1038/s41467-024-48575-9, for mixed Gaussian and Poisson noise.

    input = y + s z,    target = y - z / s

Here z has the noise's variance at each pixel and is drawn again for each crop, and s is `strength`.
If the noise n of y has the same variance, then n + s z and n - z / s are uncorrelated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.training.data.degradation import check_range
from napari_sr.training.data.from_source import FromSource, normal
from napari_sr.training.data.spot import Spot

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Recorruption(FromSource):
    """Recorruption with noise that is given or estimated."""

    strength: float = 0.7
    """s: noise added to the input, relative to the noise of the image."""

    def __post_init__(self) -> None:
        """Check the strength.

        Raises
        ------
        ValueError
            If it is not above 0.
        """
        check_range("strength", self.strength)

    def realisations(self, image: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target, (C, H, W), made from a noisy image."""
        noise = normal(image, random) * self.variance(image).sqrt()
        return image + self.strength * noise, image - noise / self.strength

    @property
    def input_noise(self) -> float:
        """Variance of noise in the input, relative to that of the source."""
        return 1 + self.strength**2

    @property
    def across(self) -> bool:
        """Whether a network can also learn from the source as an HR image."""
        # with a spot, the result must be sharper than the source
        return self.spot == Spot()


DEGRADATION = Recorruption
