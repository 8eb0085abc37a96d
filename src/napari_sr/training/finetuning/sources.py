"""Check noisy images before a network learns from them, and estimate their noise.

Symbols: H x W pixels of a picture.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.training.config import Data
from napari_sr.training.data.from_source import FromSource, estimated_in, grey_middle
from napari_sr.training.data.noise_model import LEAST_SIDE, estimated
from napari_sr.training.data.training_data import degradation_of
from napari_sr.training.finetuning.given_noise import check_given
from napari_sr.training.finetuning.self_supervision import BLIND, SelfSupervision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.training.data.pictures import Picture

LEAST_WEIGHT = 1e-12
"""A weight must be above 0, even without noise."""
PLANES = 4
"""Number of planes of a stack that are checked."""
SATURATED = 0.05
"""Largest share of pixels that may have the largest value of an image."""
BLOCK = 8
"""Side of blocks, in pixels, whose means show whether an image has structure."""
FAINT = 1 / 8
"""Share of the range from black to white that the values of an image should span."""
CLEAN = 0.01
"""Noise below this share of the range of an image's values is little: interpolation loses more."""
LEAST_STRUCTURE = 1.5
"""Variance of the means of blocks, relative to that of pure noise, from which on an image has
structure. For 1,000 blocks of pure noise, it is 1 with a standard deviation of 0.05."""


def check_image(pictures: Sequence[Picture], supervision: SelfSupervision) -> None:
    """Check that a network can learn from a noisy image; single planes of a stack may be empty.

    Raises
    ------
    ValueError
        If no plane suits, for the reasons that `check_source` lists.
    """
    looked_at = [pictures[(2 * k + 1) * len(pictures) // (2 * PLANES)] for k in range(PLANES)]
    problems = []
    for picture in dict.fromkeys(looked_at):
        try:
            check_source(picture, supervision)
        except ValueError as error:
            problems.append(error)
        else:
            return
    raise problems[0]


def fitted(supervision: SelfSupervision, layers: Sequence[Sequence[Picture]]) -> SelfSupervision:
    """Return the settings with what is estimated from the images.

    The penalty gets the weight that suits the noise of the first image. The noise is estimated if
    there is one image and none is given; several images may differ: see `with_noise`.
    """
    picture = layers[0][len(layers[0]) // 2]
    found = estimated_in(picture)
    level = found.variance(torch.tensor(grey_middle(picture).mean())).sqrt()
    supervision = replace(supervision, weight=max(supervision.weight * float(level), LEAST_WEIGHT))
    if len(layers) > 1 or supervision.noise.given or supervision.method == BLIND:
        return supervision
    return replace(supervision, noise=found.decoded(picture.values))


def with_noise(layers: Sequence[Sequence[Picture]]) -> list[list[Picture]]:
    """Return all pictures with the noise of their image, estimated from its middle plane.

    A part of a picture may be too small for an estimate of its own.
    """
    found = []
    for pictures in layers:
        middle = pictures[len(pictures) // 2]
        noise = estimated_in(middle).decoded(middle.values)
        found.append([replace(picture, noise=noise) for picture in pictures])
    return found


def check_source(picture: Picture, supervision: SelfSupervision) -> None:
    """Check that a network can learn from a noisy picture.

    Raises
    ------
    ValueError
        If it is too small, constant or saturated, shows nothing but noise, or cannot have the given
        noise; the message names it.
    """
    if min(picture.height, picture.width) < LEAST_SIDE:
        raise ValueError(
            f"{picture.name} is too small to learn from: it has {picture.height} x "
            f"{picture.width} pixels, and needs {LEAST_SIDE} x {LEAST_SIDE}"
        )
    pixels = grey_middle(picture)
    largest = pixels.max()
    if largest == pixels.min():
        raise ValueError(f"{picture.name} is constant: there is nothing to learn from")
    share = float((pixels == largest).mean())
    if share > SATURATED:
        raise ValueError(
            f"{picture.name} is saturated: {share:.1%} of its pixels have its largest value, and "
            f"at most {SATURATED:.0%} may, because the noise of saturated pixels is lost"
        )
    degradation = degradation_of(Data(1, 1, degradation=supervision.degradation))
    if isinstance(degradation, FromSource):
        degradation.fitted(picture)  # raises if the noise does not suit the method
    if supervision.noise.given and supervision.method != BLIND:
        check_given(picture, supervision.noise)
    structure = _structure(pixels)
    if structure < LEAST_STRUCTURE:
        raise ValueError(
            f"{picture.name} has too few photons: the means of {BLOCK} x {BLOCK} pixels vary "
            f"{structure:.2f} times as much as those of pure noise, and must vary at least "
            f"{LEAST_STRUCTURE:g} times as much"
        )


def faint(name: str, pictures: Sequence[Picture]) -> str:
    """Describe how little of the range from black to white an image spans; "" if it is enough.

    Parameters
    ----------
    name : str
        Name of the image, for the user.
    pictures : sequence of Picture
        Its planes; the middle one is read.
    """
    picture = pictures[len(pictures) // 2]
    pixels = grey_middle(picture)
    share = float(np.ptp(pixels))
    if share >= FAINT:
        return ""
    ends = np.array([pixels.min(), pixels.max()])
    low, high = picture.values.decode(ends, np.float64).tolist()
    return (
        f"the values of {name} span {low:.5g} to {high:.5g}, {share:.1%} of the range from black "
        f"to white ({picture.values.low:g} to {picture.values.high:g}): networks learn badly from "
        "such a faint image; declare black and white close to its values"
    )


def clean(name: str, pictures: Sequence[Picture]) -> str:
    """Say that an image has hardly any noise, and what to do instead; "" if it has enough.

    Parameters
    ----------
    name : str
        Name of the image, for the user.
    pictures : sequence of Picture
        Its planes; the middle one is read.
    """
    picture = pictures[len(pictures) // 2]
    pixels = grey_middle(picture)
    low, high = np.quantile(pixels, (0.001, 0.999))
    level = float(estimated_in(picture).variance(torch.tensor(pixels.mean())).sqrt())
    share = level / max(float(high - low), 1e-30)
    if share >= CLEAN:
        return ""
    return (
        f"{name} is nearly clean: its noise is {share:.2%} of the range of its values, and there "
        f"is little to learn from less than {CLEAN:.0%}; learn from it as sharp images, or upscale "
        "it with EDSR slim or Micrograph"
    )


def _structure(pixels: NDArray[np.float64]) -> float:
    """Return the variance of the means of blocks, relative to that of pure noise."""
    found = estimated(pixels)
    height, width = (size // BLOCK for size in pixels.shape)
    blocks = pixels[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    noise = found.read_noise**2 * (found.gain or 1.0) ** 2
    noise += found.gain * max(float(pixels.mean()) - found.offset, 0.0)
    return float(blocks.mean(axis=(1, 3)).var() / max(noise / BLOCK**2, 1e-30))
