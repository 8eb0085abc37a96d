"""The base of degradations that make two noise realisations of one noisy source.

The first realisation is the network's input. The result, blurred by the spot and binned to the
source's pixels, is compared with the second one. Their noise is independent, so on average the
network learns the image without noise (Lehtinen et al., "Noise2Noise", ICML 2018,
https://arxiv.org/abs/1803.04189).

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch.nn import functional

from napari_sr.engine.image.noise_floor import floors_of
from napari_sr.training.data.degradation import Degradation
from napari_sr.training.data.noise_model import NoiseModel, estimated
from napari_sr.training.data.spot import Spot

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.training.data.pictures import Picture

LARGEST = 1024
"""Largest side, in pixels, of the part of a picture from which noise is estimated."""
BRIGHTNESS, PART = (0.1, 0.5, 0.95), 4
"""Quantiles of brightness at which given and shown noise are compared: of means of so many by so
many pixels."""
SMOOTHED = (0.25, 0.5, 0.25)
"""Weights of the blur, applied twice, before the variance is computed from a noisy value."""


@dataclass(frozen=True)
class FromSource(Degradation):
    """Makes input and target from a noisy source."""

    from_source: ClassVar[bool] = True
    spot: Spot = field(default_factory=Spot)
    """The spot that blurred the source; it is removed from the result."""
    noise: NoiseModel = field(default_factory=NoiseModel)
    """The noise in pixel values of the source; estimated from each picture if it is not given."""

    def margin(self, scale: int) -> int:
        """Return 0: a pixel depends only on itself."""
        return 0

    def shrink(self, hr: Tensor, scale: int, steps: int | None) -> Tensor:
        """Average S x S pixels of the source; with a scale of 1, return it as it is."""
        return hr if scale == 1 else functional.avg_pool2d(hr, scale)

    def split(self, lr: Tensor, hr: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target; `hr`, (C, S * H, S * W), is the noisy source.

        With a scale of 1, both have the source's size. Otherwise, the source takes the place of an
        HR image: the input is the first realisation, with S x S pixels averaged and with more noise
        added, so that it has as much noise as the source.
        """
        source, target = self.realisations(hr, random)
        scale = hr.shape[-1] // lr.shape[-1]
        if scale == 1:
            return source, target
        share = max(0.0, 1 - self.input_noise / scale**2)
        missing = functional.avg_pool2d(self.variance(hr), scale) * share
        return functional.avg_pool2d(source, scale) + missing.sqrt() * normal(lr, random), target

    def realisations(self, image: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return two noise realisations of a noisy image, (C, H, W)."""
        raise NotImplementedError(f"{type(self).__name__} defines no noise realisations")

    @property
    def input_noise(self) -> float:
        """Variance of noise in the input, relative to that of the source."""
        return 1.0

    @property
    def across(self) -> bool:
        """Whether a network can also learn from the source as an HR image.

        It cannot if the result must be sharper than the source, or if the target hides pixels.
        """
        return False

    def fitted(self, picture: Picture) -> Self:
        """Return this with the noise of a picture, for black at 0 and white at 1.

        Raises
        ------
        ValueError
            If noise must be estimated and the picture is too small.
        """
        known = self.noise if self.noise.given else picture.noise
        if known is not None:
            return replace(self, noise=known.encoded(picture.values))
        return replace(self, noise=estimated_in(picture))

    def noise_at(self, mean: float) -> float:
        """Return the level of the noise in the input, for networks that take it."""
        return float(self.noise.variance(torch.tensor(mean)).mul(self.input_noise).sqrt())

    def variance(self, image: Tensor) -> Tensor:
        """Return the variance of noise at each pixel of a noisy image, (C, H, W)."""
        return self.noise.variance(smoothed(image))

    def target_variance(self, image: Tensor) -> Tensor | None:
        """Return the variance of noise in the target made from an image, (C, H, W).

        None if a network is better judged by the source itself, because its noise is known.
        """
        del image
        return None


def normal(like: Tensor, random: np.random.Generator) -> Tensor:
    """Return numbers of the standard normal distribution, in the shape of an image."""
    return torch.from_numpy(random.standard_normal(like.shape, dtype=np.float32)).to(like.dtype)


def estimated_in(picture: Picture) -> NoiseModel:
    """Return the noise in the middle of a picture, for black at 0 and white at 1.

    Raises
    ------
    ValueError
        If the picture is too small; the message names it.
    """
    try:
        found = estimated(grey_middle(picture))
    except ValueError as error:
        raise ValueError(f"{picture.name}: {error}") from error
    if picture.channels == 3:
        more = _of_one_colour(picture)
        read = found.read_noise / more**0.5 if found.gain else found.read_noise * more**0.5
        return replace(found, gain=more * found.gain, read_noise=read)
    return found


def _of_one_colour(picture: Picture) -> float:
    """Return the variance of one colour's noise, relative to that of the mean of the colours.

    It is 3 if the colours have independent noise, and 1 if they are equal.
    """
    grey = floors_of([grey_middle(picture)]).variance.mean()
    colours = picture.middle(LARGEST).double().numpy()
    one = np.mean([floors_of([colour]).variance.mean() for colour in colours])
    return float(np.clip(one / grey, 1, 3)) if grey > 0 else 3.0


def grey_middle(picture: Picture) -> NDArray[np.float64]:
    """Return the middle of a picture, at most `LARGEST` pixels along a side, as grey values."""
    grey: NDArray[np.float64] = picture.middle(LARGEST).double().mean(dim=0).numpy()
    return grey


def brightness_of(picture: Picture) -> NDArray[np.float64]:
    """Return how bright dark, middle and bright parts of a picture are.

    Single pixels would not do: noise makes some of them darker than any light in the image.
    """
    grey = torch.from_numpy(grey_middle(picture))
    parts = functional.avg_pool2d(grey[None], PART, ceil_mode=True)
    found: NDArray[np.float64] = np.quantile(parts.numpy(), BRIGHTNESS)
    return found


def smoothed(image: Tensor) -> Tensor:
    """Blur (C, H, W) a little, with the edge values beyond the border."""
    line = torch.tensor(SMOOTHED, dtype=image.dtype)
    weights = (line[:, None] * line)[None, None]
    image = image[:, None]
    for _ in range(2):
        image = functional.conv2d(functional.pad(image, (1,) * 4, mode="replicate"), weights)
    return image[:, 0]
