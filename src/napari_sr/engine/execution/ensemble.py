"""Geometric self-ensemble: the mean of what a network makes of a plane in all eight views.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops
2017, section 3.4, https://arxiv.org/abs/1707.02921: there EDSR becomes EDSR+, 0.1 dB better for
eight times the work. Any network can be run so. A plane is laid in all eight ways that flips and
quarter turns make; each is upscaled, laid back exactly, and their mean is the result.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.engine.execution.feature_store import Features
from napari_sr.engine.planning.devices import budget_in_memory

if TYPE_CHECKING:
    from torch import Tensor

_NAME = "mean"


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
