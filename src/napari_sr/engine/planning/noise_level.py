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
        they come from four planes, and all planes get the same level. Each channel along C gets a
        level of its own.
    layout : Layout
        Layout of the image.

    Raises
    ------
    NoiseError
        As `check_noise` does; if levels are given and their number is not that of the channels; or
        if the image has no pixels for an estimate.
    """
    check_noise(settings.noise, network)
    if not network.takes_noise:
        return settings
    channels = layout.separate_channels
    if isinstance(settings.noise, tuple | list):
        if len(settings.noise) != channels:
            raise NoiseError(
                f"noise needs one number, or one for each of {channels} channels along C, got "
                f"{len(settings.noise)} numbers"
            )
        return replace(settings, noise=tuple(settings.noise))
    if settings.noise is not None:
        return settings
    luma = network.channels == 1
    try:
        found = [
            estimated_noise(image, layout, luma=luma, channel=channel)
            for channel in (range(channels) if channels > 1 else (None,))
        ]
    except ValueError as error:
        raise NoiseError(f"{error}, or give its level as noise") from error
    return replace(settings, noise=tuple(found) if len(found) > 1 else found[0])


def check_noise(noise: object, network: Network) -> None:
    """Check a level of the noise that the user gave, or one for each channel.

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
    for level in noise if isinstance(noise, tuple | list) else (noise,):
        if not is_number(level, 0):
            raise NoiseError(f"noise must be a finite number of at least 0, got noise={level!r}")
        if not is_number(level, 0, MOST):
            raise NoiseError(f"noise must be at most {MOST:g}, got noise={level!r}")


def estimated_noise(
    image: ArrayLike, layout: Layout, *, luma: bool = True, channel: int | None = None
) -> float:
    """Estimate the standard deviation of an image's noise, in its values.

    It is 0 for images too small for an estimate, below 24 pixels along a side.

    Parameters
    ----------
    image : array
        The image, of which a few windows are read.
    layout : Layout
        Its layout.
    luma : bool
        Whether to estimate the noise of the luma of colours, which is weaker than that of each
        colour; else, that of green.
    channel : int, optional
        The index along C whose noise is estimated; None for all together.

    Raises
    ------
    ValueError
        As `sample_of` does, for instance if most pixels are NaN.
    """
    if min(layout.height, layout.width) < LEAST:
        return 0.0
    needed_by = "the estimate of noise"
    sample = sample_of(image, layout.axes, needed_by, luma=luma, channel=channel)
    return noise_of(sample.windows, 1.0).sigma


def noise_of_run(network: Network, settings: Settings, values: ValueRange) -> tuple[float, ...]:
    """Return the level of a run's noise, or of each channel's, where white is 1.

    It is 0 if the network takes none.

    Raises
    ------
    ValueError
        If the network takes a level, and `with_noise` has not been called.
    """
    if not network.takes_noise:
        return (0.0,)
    if settings.noise is None:
        raise ValueError(f"{network.title} needs the level of the image's noise, got None")
    given = settings.noise if isinstance(settings.noise, tuple) else (settings.noise,)
    levels = tuple(level / (values.high - values.low) for level in given)
    if max(levels) > 1:
        warnings.warn(
            f"a noise of {max(given):g} is {max(levels):.3g} times the step from black to white "
            f"({values.low:g} to {values.high:g}), far more than networks see in training: "
            "check noise and value range",
            OutsideRangeWarning,
            stacklevel=2,
        )
    return levels
