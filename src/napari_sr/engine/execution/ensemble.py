"""Geometric self-ensemble: the mean of a network's results for eight orientations of a plane.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops
2017, section 3.4, https://arxiv.org/abs/1707.02921. In the paper, the ensemble turns EDSR into
EDSR+, which is 0.1 dB better for eight times the work; other networks can use it, too. A plane is
upscaled in all eight combinations of flips and quarter turns; results are turned back and averaged.
The spread of the eight results shows where the network is unsure. It is computed along with the
mean, by Welford's method: "Note on a Method for Calculating Corrected Sums of Squares and
Products", Technometrics 1962, https://doi.org/10.1080/00401706.1962.10490022.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.plane_output import ExtendedPixels, within
from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
from napari_sr.engine.image.orientation import ORIENTATIONS
from napari_sr.engine.planning.devices import memory_for_features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from napari_sr.engine.execution.plane_output import PlaneOutput
    from napari_sr.engine.image.orientation import Orientation

_NAME = "mean"
_SQUARES = "squares"


def oriented_planes(plane_output: PlaneOutput, size: tuple[int, int]) -> Iterator[OrientedPlane]:
    """Yield a plane in each orientation; the last one writes the mean of all.

    Parameters
    ----------
    plane_output : PlaneOutput
        The plane in the image's orientation.
    size : (int, int)
        Padded height and width of the plane in the image's orientation.
    """
    height, width, channels = plane_output.values.pixels.shape
    wanted = plane_output.run_context.spread
    spread = wanted if isinstance(wanted, ShrunkSpread) else None
    own = wanted is not None and spread is None
    mean = Mean(height, width, channels, plane_output.scale, spread=own)
    if spread is not None:
        spread.begin(height, width, channels)
    try:
        for orientation in ORIENTATIONS:
            yield OrientedPlane(plane_output, orientation, mean, size)
            if spread is not None:
                spread.end_view(plane_output.values.missing)
        if spread is not None:
            spread.end(plane_output.values.spread_unit)
    finally:
        mean.close()


class OrientedPlane:
    """A plane in one orientation: tiles read the turned plane, and results are turned back.

    Parameters
    ----------
    plane_output : PlaneOutput
        The plane in the image's orientation.
    orientation : Orientation
        Orientation in which tiles read the plane.
    mean : Mean
        Mean over all orientations.
    size : (int, int)
        Padded height and width of the plane in the image's orientation.
    """

    def __init__(
        self,
        plane_output: PlaneOutput,
        orientation: Orientation,
        mean: Mean,
        size: tuple[int, int],
    ) -> None:
        self.transposed = orientation.transposed
        self._output = plane_output
        self._orientation = orientation
        self._mean = mean
        turned = orientation.apply(plane_output.values.pixels)
        self._size: tuple[int, int] = (turned.shape[0], turned.shape[1])
        extension = orientation.turned(plane_output.extension)
        self._source = ExtendedPixels(turned, extension, size[::-1] if self.transposed else size)

    def reset(self) -> None:
        """Forget the overshoot found so far, because the plane is computed again."""
        self._output.reset()

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the oriented plane, (1, C, rows, columns) in float32."""
        return self._output.encoded(self._source.read(rows, columns))

    def write(self, rows: slice, columns: slice, values: Tensor, float32: bool) -> None:
        """Add a part of the result to the mean; arguments and errors as in `PlaneOutput.write`."""
        output, orientation = self._output, self._orientation
        whole = slice(0, self._size[0]), slice(0, self._size[1])
        rows, columns = self._source.inside(rows, columns)
        rows, columns, values = within(rows, columns, values, whole, output.scale)
        if not values.numel():
            return
        place = orientation.place(rows, columns, self._size)
        checked = output.checked(*place, values, float32)
        number = ORIENTATIONS.index(orientation) + 1
        turned = orientation.undo(checked).cpu()
        mean = self._mean.add(number, *place, turned)
        if isinstance(output.run_context.spread, ShrunkSpread):
            output.run_context.spread.put(*place, turned)
        if number == len(ORIENTATIONS):
            output.put(*place, mean)
            spread = self._mean.spread(*place)
            if spread is not None:
                output.put_spread(*place, spread)


class Mean:
    """Running mean of a plane's results in float32, in memory, or in files if memory is short.

    The mean is m_k = m_(k-1) + (x_k - m_(k-1)) / k, so the mean of equal values is exactly that
    value. The sum of squared deviations is q_k = q_(k-1) + (x_k - m_(k-1)) (x_k - m_k), so the sum
    is exactly 0 for equal values, and never negative. Close the object after use.

    Parameters
    ----------
    height, width, channels, scale : int
        H, W, C and S.
    spread : bool
        Whether squared deviations are summed, too, which doubles the memory.
    """

    def __init__(
        self, height: int, width: int, channels: int, scale: int, *, spread: bool = False
    ) -> None:
        budget = memory_for_features()
        self._values = FeatureStore(height, width, budget=budget, channels_last=False)
        self._values.make(_NAME, channels, scale, torch.float32)
        self._has_spread = spread
        if spread:
            self._values.make(_SQUARES, channels, scale, torch.float32)
        self._counts = np.zeros((height, width), np.uint8)
        self._scale = scale

    def add(self, number: int, rows: slice, columns: slice, values: Tensor) -> Tensor:
        """Add a part of a result; return this part of the mean so far.

        A part that is added again counts once: a plane may be computed again in smaller tiles.

        Parameters
        ----------
        number : int
            Number k of the result, from 1.
        rows, columns : slice
            Rows and columns of the plane.
        values : Tensor, (1, C, S * rows, S * columns)
            Part of the result, on the CPU.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        counts = self._counts[rows, columns]
        if number > 1:
            before = self._values.read(_NAME, rows, columns)
            step = values - before
            mean = before + step / number
            known = torch.from_numpy(counts >= number)
            if known.any():
                for axis in (0, 1):
                    known = known.repeat_interleave(self._scale, axis)
                mean = torch.where(known, before, mean)
                step = torch.where(known, 0.0, step)
                values = torch.where(known, mean, values)
        else:
            mean, step = values, None
        self._values.write(_NAME, rows, columns, mean)
        if self._has_spread:
            self._add_squares(rows, columns, step, values - mean)
        counts[...] = number
        return mean

    def _add_squares(self, rows: slice, columns: slice, step: Tensor | None, rest: Tensor) -> None:
        """Add `step * rest` to the sum of squared deviations.

        Both are the result's differences from the mean: before and after the mean is updated.
        `step` is None for the first result, which starts the sum with 0.
        """
        total = torch.zeros_like(rest)
        if step is not None:
            total = torch.addcmul(self._values.read(_SQUARES, rows, columns), step, rest)
        self._values.write(_SQUARES, rows, columns, total)

    def spread(self, rows: slice, columns: slice) -> Tensor | None:
        """Return a part of the standard deviation of all results, or None if `spread` is False.

        This is the root of the mean squared deviation, (1, C, S * rows, S * columns).
        """
        if not self._has_spread:
            return None
        return (self._values.read(_SQUARES, rows, columns) / len(ORIENTATIONS)).sqrt()

    def close(self) -> None:
        """Free the memory and files."""
        self._values.close()
