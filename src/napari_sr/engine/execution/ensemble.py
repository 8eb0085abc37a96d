"""Geometric self-ensemble: the mean of what a network makes of a plane in eight orientations.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops
2017, section 3.4, https://arxiv.org/abs/1707.02921: there EDSR becomes EDSR+, 0.1 dB better for
eight times the work. Any network can be run so. A plane is flipped and turned in all eight ways,
each is upscaled and turned back exactly, and their mean is the result.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.execution.feature_store import Features
from napari_sr.engine.execution.plane_output import padded, without_padding
from napari_sr.engine.planning.devices import budget_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.execution.plane_output import PlaneOutput

_NAME = "mean"


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to flip and turn a plane."""

    swapped: bool = False
    """Whether rows become columns, before anything is reversed."""
    upended: bool = False
    """Whether the order of rows is reversed."""
    mirrored: bool = False
    """Whether the order of columns is reversed."""

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return a plane, (H, W, C), in this orientation: (H, W, C) or (W, H, C); no copy."""
        turned = pixels.swapaxes(0, 1) if self.swapped else pixels
        return turned[:: -1 if self.upended else 1, :: -1 if self.mirrored else 1]

    def undo(self, values: Tensor) -> Tensor:
        """Return a part of an oriented plane, (..., rows, columns), as it is in the image."""
        reversed_axes = [axis for axis, so in ((-2, self.upended), (-1, self.mirrored)) if so]
        turned = values.flip(reversed_axes) if reversed_axes else values
        return turned.transpose(-2, -1) if self.swapped else turned

    def place(self, rows: slice, columns: slice, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns in the image of a part of an oriented plane.

        Parameters
        ----------
        rows, columns : slice
            Of the oriented plane.
        size : (int, int)
            Height and width of the oriented plane.
        """
        height, width = size
        if self.upended:
            rows = slice(height - rows.stop, height - rows.start)
        if self.mirrored:
            columns = slice(width - columns.stop, width - columns.start)
        return (columns, rows) if self.swapped else (rows, columns)


ORIENTATIONS = tuple(Orientation(*each) for each in product((False, True), repeat=3))
"""The plane as it is comes first, and then all that are no wider: tiles change shape once."""


def oriented_planes(plane_output: PlaneOutput, size: tuple[int, int]) -> Iterator[OrientedPlane]:
    """Yield a plane in each orientation; the last one writes the mean of all.

    Parameters
    ----------
    plane_output : PlaneOutput
        The plane as it is.
    size : (int, int)
        Height and width that the network reads, of the plane as it is.
    """
    height, width, channels = plane_output.values.pixels.shape
    mean = Mean(height, width, channels, plane_output.scale)
    try:
        for orientation in ORIENTATIONS:
            yield OrientedPlane(plane_output, orientation, mean, size)
    finally:
        mean.close()


class OrientedPlane:
    """A plane in one orientation: tiles read it so, and their results are turned back.

    Parameters
    ----------
    plane_output : PlaneOutput
        The plane as it is.
    orientation : Orientation
        How it is flipped and turned.
    mean : Mean
        Of all orientations.
    size : (int, int)
        Height and width that the network reads, of the plane as it is.
    """

    def __init__(
        self,
        plane_output: PlaneOutput,
        orientation: Orientation,
        mean: Mean,
        size: tuple[int, int],
    ) -> None:
        self.swapped = orientation.swapped
        self._output = plane_output
        self._orientation = orientation
        self._mean = mean
        turned = orientation.apply(plane_output.values.pixels)
        self._size: tuple[int, int] = (turned.shape[0], turned.shape[1])
        self._pixels = padded(turned, size[::-1] if self.swapped else size)

    def begin(self) -> None:
        """Forget what was found in the result: all of it comes again."""
        self._output.begin()

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the oriented plane, (1, C, rows, columns) in float32."""
        return self._output.encoded(self._pixels[rows, columns])

    def write(self, rows: slice, columns: slice, values: Tensor, float32: bool) -> None:
        """Take a part of the result, as `PlaneOutput.write` does, into the mean."""
        output, orientation = self._output, self._orientation
        rows, columns, values = without_padding(rows, columns, values, self._size, output.scale)
        if not values.numel():
            return
        place = orientation.place(rows, columns, self._size)
        checked = output.checked(*place, values, float32)
        number = ORIENTATIONS.index(orientation) + 1
        mean = self._mean.add(number, *place, orientation.undo(checked).cpu())
        if number == len(ORIENTATIONS):
            output.put(*place, mean)


class Mean:
    """The mean of a plane's results, in float32, in memory or, where that is short, in files.

    It is taken as m_k = m_(k-1) + (x_k - m_(k-1)) / k, so that the mean of equal values is
    exactly this value. Close it when done.

    Parameters
    ----------
    height, width, channels, scale : int
        H, W, C and S.
    """

    def __init__(self, height: int, width: int, channels: int, scale: int) -> None:
        budget = budget_in_memory()
        self._values = Features(height, width, budget=budget, channels_last=False)
        self._values.make(_NAME, channels, scale, torch.float32)
        self._counts = np.zeros((height, width), np.uint8)
        self._scale = scale

    def add(self, number: int, rows: slice, columns: slice, values: Tensor) -> Tensor:
        """Take a part of a result; return this part of the mean so far.

        What comes again, because a tile was too large for memory and smaller ones begin again,
        is taken once.

        Parameters
        ----------
        number : int
            Of the result, from 1.
        rows, columns : slice
            Of the plane.
        values : Tensor, (1, C, S * rows, S * columns)
            On the CPU.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        counts = self._counts[rows, columns]
        if number > 1:
            before = self._values.read(_NAME, rows, columns)
            mean = before + (values - before) / number
            known = torch.from_numpy(counts >= number)
            if known.any():
                for axis in (0, 1):
                    known = known.repeat_interleave(self._scale, axis)
                mean = torch.where(known, before, mean)
        else:
            mean = values
        self._values.write(_NAME, rows, columns, mean)
        counts[...] = number
        return mean

    def close(self) -> None:
        """Give back what it takes."""
        self._values.close()
