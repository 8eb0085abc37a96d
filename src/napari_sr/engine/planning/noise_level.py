"""The level of an image's noise, for networks that take it: given by the user, or estimated once.

The level is a setting of the run, so that it is the same for all tiles, blocks and regions.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sr.engine.image.conversion import is_number
from napari_sr.engine.image.noise import noise_of
from napari_sr.engine.image.sample import LEAST, sample_of
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.settings import NoiseError

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

MOST = 1e30
"""Largest level that is accepted; float32 can hold it."""


def with_noise(settings: Settings, network: Network, image: ArrayLike, layout: Layout) -> Settings:
    """Return settings with the level of the noise, if the network takes it.

    Parameters
    ----------
    settings : Settings
        Settings as the user chose them.
    network : Network
        The network.
    image : array
        The whole image. A few windows of it are read if the level has to be estimated; in a stack,
        they come from four planes, and all planes get the same level.
    layout : Layout
        Layout of the image.

    Raises
    ------
    NoiseError
        As `check_noise` does, or if the image has no pixels for an estimate.
    """
    check_noise(settings.noise, network)
    if not network.takes_noise or settings.noise is not None:
        return settings
    try:
        level = estimated_noise(image, layout, luma=network.channels == 1)
    except ValueError as error:
        raise NoiseError(f"{error}, or give its level as noise") from error
    return replace(settings, noise=level)


def check_noise(noise: object, network: Network) -> None:
    """Check a level of the noise that the user gave.

    Raises
    ------
    NoiseError
        If it is no number, negative or not finite, or the network takes none.
    """
    if noise is None:
        return
    if not network.takes_noise:
        raise NoiseError(
            f"noise needs a network that takes its level, but {network.title} does not; "
            f"got noise={noise}"
        )
    if not is_number(noise, 0):
        raise NoiseError(f"noise must be a finite number of at least 0, got noise={noise!r}")
    if not is_number(noise, 0, MOST):
        raise NoiseError(f"noise must be at most {MOST:g}, got noise={noise!r}")


def estimated_noise(image: ArrayLike, layout: Layout, *, luma: bool = True) -> float:
    """Estimate the standard deviation of an image's noise, in its values.

    It is 0 for images too small for an estimate, below 24 pixels along a side. Of colours, it is
    the noise of the luma, which is weaker than that of each colour, or of green.

    Raises
    ------
    ValueError
        As `sample_of` does, for instance if most pixels are NaN.
    """
    if min(layout.height, layout.width) < LEAST:
        return 0.0
    sample = sample_of(image, layout.axes, "the estimate of noise", luma=luma)
    return noise_of(sample.windows, 1.0).sigma


def noise_of_run(network: Network, settings: Settings, values: ValueRange) -> float:
    """Return the level of a run's noise, where white is 1; 0 if the network takes none.

    Raises
    ------
    ValueError
        If the network takes a level, and `with_noise` has not been called.
    """
    if not network.takes_noise:
        return 0.0
    if settings.noise is None:
        raise ValueError(f"{network.title} needs the level of the image's noise, got None")
    level = settings.noise / (values.high - values.low)
    if level > 1:
        warnings.warn(
            f"a noise of {settings.noise:g} is {level:.3g} times the step from black to white "
            f"({values.low:g} to {values.high:g}), far more than networks see in training: "
            "check noise and value range",
            OutsideRangeWarning,
            stacklevel=2,
        )
    return level
