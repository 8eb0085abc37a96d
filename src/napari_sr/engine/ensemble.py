"""Geometric self-ensemble: the mean of what a network makes of a plane in all eight views.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops
2017, section 3.4, https://arxiv.org/abs/1707.02921: there EDSR becomes EDSR+, 0.1 dB better for
eight times the work. Any network can be run so. A plane is laid in all eight ways that flips and
quarter turns make; each is upscaled, laid back exactly, and their mean is the result.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.features import Features, budget_in_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_NAME = "mean"


@dataclass(frozen=True)
class View:
    """One way to lay a plane."""

    swapped: bool = False
    """Whether rows become columns, before anything is reversed."""
    upended: bool = False
    """Whether the order of rows is reversed."""
    mirrored: bool = False
    """Whether the order of columns is."""

    def lay(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return a plane, (H, W, C), so laid: (H, W, C) or, swapped, (W, H, C). Copies nothing."""
        turned = pixels.swapaxes(0, 1) if self.swapped else pixels
        return turned[:: -1 if self.upended else 1, :: -1 if self.mirrored else 1]

    def lay_back(self, values: Tensor) -> Tensor:
        """Return a part of a plane so laid, (..., rows, columns), as it lies in the plane."""
        reversed_axes = [axis for axis, so in ((-2, self.upended), (-1, self.mirrored)) if so]
        turned = values.flip(reversed_axes) if reversed_axes else values
        return turned.transpose(-2, -1) if self.swapped else turned

    def place(self, rows: slice, columns: slice, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return which rows and columns of the plane a part of it is, once it lies so.

        Parameters
        ----------
        rows, columns : slice
            Of the plane as it lies.
        size : (int, int)
            Its height and width as it lies.
        """
        height, width = size
        if self.upended:
            rows = slice(height - rows.stop, height - rows.start)
        if self.mirrored:
            columns = slice(width - columns.stop, width - columns.start)
        return (columns, rows) if self.swapped else (rows, columns)


AS_IT_IS = (View(),)
ALL_VIEWS = tuple(View(*each) for each in product((False, True), repeat=3))
"""The plane as it is comes first, and then all that are no wider: tiles change shape once."""


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

        What comes again, because a tile was too large for memory and smaller ones begin anew,
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


def bytes_of_mean(height: int, width: int, channels: int, scale: int) -> int:
    """Return what a `Mean` takes, in memory or in files."""
    return height * width * (1 + torch.float32.itemsize * channels * scale**2)
