"""Enlarge a stack along Z with a network: planes XZ and YZ, averaged.

The network enlarges a plane XZ along Z and along X. Means of `scale` neighbouring pixels along X
then bring X back to its size: a mean lies at the centre of its pixels, which is the centre of the
source's pixel, so nothing moves. The same is done with the planes YZ; the mean of both has no
preferred direction. This happens before Y and X are enlarged, because pixels of these planes are
then closest to squares, and `scale * scale` times fewer.

Symbols: D planes, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.engine.image.axial import enlarged_along_z
from napari_sr.engine.image.value_range import checked_range
from napari_sr.engine.planning.noise_level import with_noise
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, Result, drive, run_request, translate
from napari_sr.runs.source import Source, read_pixels

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network

MOST_VALUES = 1 << 25
"""Largest number of values of a network's result that are in memory at once."""
AWAY = "the distance of planes is unknown: a network helps along Z only if Z is the coarse axis"


@dataclass(frozen=True)
class Stack:
    """A stack, and how the network reads it."""

    pixels: NDArray[Any]
    layout: Layout
    network: Network
    settings: Settings
    """Settings with black, white and the level of the noise of the whole stack."""
    asked: Settings

    @property
    def after(self) -> Settings:
        """The settings for the enlarged stack: it has the same black and white, but less noise."""
        return replace(self.settings, noise=None)

    @property
    def decided(self) -> dict[str, object]:
        """What the record's settings say of the source, not of the stack enlarged along Z."""
        found: dict[str, object] = {}
        if not isinstance(self.asked.value_range, tuple):
            found["value_range"] = None
        return found | ({"noise": self.settings.noise} if self.network.takes_noise else {})


def of_stack(
    image: ArrayLike | Source, layout: Layout, network: Network, settings: Settings
) -> Stack:
    """Read a stack, and find its black, white and noise.

    Raises
    ------
    ValueError
        If the image or a setting is wrong.
    """
    if isinstance(image, Source):
        pixels = drive(read_pixels(image))
    else:
        pixels = pixels_of(image[tuple(slice(None) for _ in layout.axes)])
    has_weights = next(network.parameters(), None) is not None
    values = checked_range(pixels, layout, settings.value_range, has_weights=has_weights)
    found = with_noise(settings, network, pixels, layout)
    found = replace(found, value_range=(values.low, values.high))
    return Stack(pixels, layout, network, found, settings)


def along_z(stack: Stack) -> Generator[Progress, None, NDArray[Any]]:
    """Enlarge a stack along Z by the network's scale; yield progress after each tile.

    Parameters
    ----------
    stack : Stack
        A stack with an axis Z of length D.

    Returns
    -------
    array
        Floats with the axes of the stack, and S * D planes along Z.

    Raises
    ------
    ValueError
        If the image has infinite values, or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    layout = stack.layout
    result = np.zeros(
        enlarged_along_z(layout.as_floats, stack.network.scale).shape, layout.as_floats.dtype
    )
    for number, across in enumerate("XY"):
        yield from within(_add_planes(stack, across, result), number / 2, 1 / 2)
    return result


def within(
    steps: Generator[Progress, None, Result], before: float, share: float
) -> Generator[Progress, None, Result]:
    """Turn the progress of a part of a run into that of the run, counted in percent.

    Parameters
    ----------
    steps : generator
        The part.
    before, share : float
        Share of the run that precedes the part, and share of the part, from 0 to 1.
    """

    def whole(step: Progress) -> Progress:
        done = before + share * step.share
        return replace(step, done=int(100 * done), total=100, share=done, seconds_left=None)

    return (yield from translate(steps, whole))


def _add_planes(stack: Stack, across: str, result: NDArray[Any]) -> Generator[Progress, None, None]:
    """Enlarge the planes of Z and another axis, and add half of their values to a result."""
    letters, scale = stack.layout.axes, stack.network.scale
    beside = "Y" if across == "X" else "X"
    # Z takes the place of Y, as rows; the axes of the network's planes keep the letters Y and X
    places = {"Z": beside, "Y": "Z", "X": across}
    order = [letters.index(places.get(letter, letter)) for letter in letters]
    source, target = stack.pixels.transpose(order), result.transpose(order)
    at, columns = letters.index("Z"), letters.index("X")
    each = max(1, MOST_VALUES * source.shape[at] // (source.size * scale**2))
    starts = range(0, source.shape[at], each)
    for number, start in enumerate(starts):
        index = (*(slice(None) for _ in range(at)), slice(start, start + each))
        part = np.ascontiguousarray(source[index])
        settings = replace(stack.settings, unrounded=True)
        request = Request(part, ModelReference(stack.network), settings, letters)
        steps = run_request(request, stack.network)
        made = (yield from within(steps, number / len(starts), 1 / len(starts))).pixels
        size = made.shape
        split = (*size[:columns], size[columns] // scale, scale, *size[columns + 1 :])
        target[index] += made.reshape(split).mean(axis=columns + 1) / 2
