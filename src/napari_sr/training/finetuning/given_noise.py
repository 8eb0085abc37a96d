"""Compare the noise that a user gave with the noise that an image shows.

The variance over brightness (photon transfer, Janesick 2007) is estimated from the image alone.
Fine detail makes the estimate too large, so that a smaller given noise may be right; a much larger
one cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.training.data.from_source import brightness_of, estimated_in, grey_middle
from napari_sr.training.noisy_pairs import ALIKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.training.data.noise_model import NoiseModel
    from napari_sr.training.data.pictures import Picture

IMPOSSIBLE = 3.0
"""Ratio from which on a larger noise is refused."""
BELOW, MOST_BELOW = 4.0, 0.01
"""At most this share of the pixels may be so many standard deviations below the offset."""


def check_given(picture: Picture, noise: NoiseModel) -> None:
    """Check that an image can have a noise, in its pixel values.

    Raises
    ------
    ValueError
        If the image shows far less noise, or has many values below the offset; the message has
        both numbers.
    """
    dark = noise.variance(torch.tensor(noise.offset)).sqrt()
    low = (noise.offset - BELOW * float(dark) - picture.values.low) / _width(picture)
    share = float((grey_middle(picture) < low).mean()) if noise.gain > 0 else 0.0
    if share > MOST_BELOW:
        raise ValueError(
            f"the offset of {picture.name} must be near its darkest values, but {share:.0%} of its "
            f"values are clearly below the offset {noise.offset:g}: it looks like "
            f"{_shown(picture).words}"
        )
    ratio, given, found, value = _largest_ratio(picture, noise)
    if ratio > IMPOSSIBLE:
        raise ValueError(
            f"the given noise does not suit {picture.name}: at the value {value:.4g}, it would be "
            f"{given:.3g}, but the image shows {found:.3g}; it looks like {_shown(picture).words}. "
            "Correct gain, offset and read noise, or let them be estimated"
        )


def unlike(name: str, pictures: Sequence[Picture], noise: NoiseModel) -> str:
    """Warn that a given noise differs from what an image shows; "" if it does not.

    Parameters
    ----------
    name : str
        Name of the image, for the user.
    pictures : sequence of Picture
        Its planes; the middle one is read.
    noise : NoiseModel
        The given noise, in pixel values.
    """
    picture = pictures[len(pictures) // 2]
    ratio, given, found, value = _largest_ratio(picture, noise)
    if 1 / ALIKE <= ratio <= ALIKE:
        return ""
    return (
        f"the given noise of {name} is {given:.3g} at the value {value:.4g}, but the image shows "
        f"{found:.3g}, like {_shown(picture).words}: check gain, offset and read noise"
    )


def _largest_ratio(picture: Picture, noise: NoiseModel) -> tuple[float, float, float, float]:
    """Return the most different ratio of given and shown noise, both levels, and the value."""
    values = brightness_of(picture) * _width(picture) + picture.values.low
    given, found = (
        one.variance(torch.from_numpy(values)).sqrt().numpy() for one in (noise, _shown(picture))
    )
    ratio = (given + 1e-30) / (found + 1e-30)
    at = int(np.argmax(np.abs(np.log(ratio))))
    return float(ratio[at]), float(given[at]), float(found[at]), float(values[at])


def _shown(picture: Picture) -> NoiseModel:
    """Return the noise that a picture shows, in its pixel values."""
    return estimated_in(picture).decoded(picture.values)


def _width(picture: Picture) -> float:
    return picture.values.high - picture.values.low
