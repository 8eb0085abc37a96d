"""What networks read of one plane, and how their results become the output's pixels.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.execution.ensemble import Mean
from napari_sr.engine.execution.tile import UntrustedError
from napari_sr.engine.image.guards import Bounds, fill_missing
from napari_sr.engine.image.opacity import PlaneRange
from napari_sr.engine.image.overshoot import PlaneOvershoot
from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.execution.context import RunContext
    from napari_sr.engine.image.orientation import Orientation

DECODED_TOGETHER = 2**20
"""Values of a tile's result at a time; each takes some 40 bytes on its way to the output."""


class PlaneOutput:
    """One plane: its pixels without gaps, and its place in the output.

    Close it when done.

    Parameters
    ----------
    run_context : RunContext
        What stays the same over all planes.
    index : tuple of int
        Of the plane along the looped axes.
    pixels : array, (H, W) or (H, W, 3 or 4)
        As they are in the image.
    views : tuple of Orientation
        Whose mean is the result.
    """

    def __init__(
        self,
        run_context: RunContext,
        index: tuple[int, ...],
        pixels: NDArray[Any],
        views: tuple[Orientation, ...],
    ) -> None:
        self.run_context = run_context
        self._index = index
        colour = pixels[..., None] if pixels.ndim == 2 else pixels
        # once for all views: which neighbour fills a gap depends on how the plane lies
        self.pixels, self._missing = fill_missing(colour)
        if self._missing is not None:
            run_context.diagnostics.masked += int(self._missing.any(axis=-1).sum())
        self.values = PlaneRange.of(run_context.values, self.pixels)
        colours, seen = self.pixels[..., :3], run_context.layout.visible(self.pixels)
        self.bounds = Bounds.of(run_context.values.encode(np.array(_ends(colours))))
        self.overshoot = PlaneOvershoot(
            _ends(colours), run_context.values, run_context.output.dtype
        )
        weights = (
            next(run_context.network.parameters(), None) is not None
        )  # a formula does not mind
        if self._missing is None or not self._missing.all():
            run_context.diagnostics.meet(_ends(seen))
            if weights:
                run_context.diagnostics.look(
                    seen, _ends(seen), run_context.values.low, run_context.values.high
                )
        self.notes: list[str] = []
        """What the user should know, and has not been told."""
        self._views = len(views)
        height, width, channels = self.pixels.shape
        many = len(views) > 1
        self._mean = Mean(height, width, channels, run_context.network.scale) if many else None

    def put(self, number: int, rows: slice, columns: slice, large: Tensor) -> None:
        """Take a part of the result of a view; with the last view's, write the mean.

        Parameters
        ----------
        number : int
            Of the view, from 1.
        rows, columns : slice
            Of the plane.
        large : Tensor, (1, C, S * rows, S * columns)
            On the CPU, without what no input explains.
        """
        if self._mean is not None:
            large = self._mean.add(number, rows, columns, large)
        if number == self._views:
            self._write(rows, columns, large[0].permute(1, 2, 0).numpy())

    def close(self) -> None:
        """Give back what the mean takes, and tell how far the result overshoots."""
        self.run_context.diagnostics.overshoot.merge(self.overshoot.found)
        if self._mean is not None:
            self._mean.close()

    def _write(self, rows: slice, columns: slice, values: NDArray[Any]) -> None:
        """Write a part of the result, some rows at a time: they are float64 on their way."""
        scale = self.run_context.network.scale
        step = max(1, DECODED_TOGETHER // (values[:scale].size or 1))
        for start in range(rows.start, rows.stop, step):
            band = slice(start, min(start + step, rows.stop))
            inside = scaled(slice(start - rows.start, band.stop - rows.start), scale)
            self._write_band(band, columns, values[inside])

    def _write_band(self, rows: slice, columns: slice, values: NDArray[Any]) -> None:
        run_context, scale = self.run_context, self.run_context.network.scale
        result = self.values.decode(values, run_context.output.dtype)
        if self._missing is not None:
            missing = self._missing[rows, columns]
            for axis in (0, 1):
                missing = missing.repeat(scale, axis)
            result[missing] = np.nan
        self.overshoot.look(values[..., :3], result[..., :3])
        block = result if run_context.layout.samples else result[..., 0]
        target = scaled(rows, scale), scaled(columns, scale)
        run_context.larger.write(run_context.output, self._index, *target, block)


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


class OrientedPlane:
    """A plane as one view lays it.

    Parameters
    ----------
    plane_output : PlaneOutput
        The plane.
    view : Orientation
        How it lies.
    number : int
        Of the view, from 1.
    size : (int, int)
        Height and width, as it lies, that reflection at its end fills up to.
    """

    def __init__(
        self, plane_output: PlaneOutput, view: Orientation, number: int, size: tuple[int, int]
    ) -> None:
        self._canvas = plane_output
        self._view = view
        self._number = number
        laid = view.apply(plane_output.pixels)
        self._size: tuple[int, int] = (laid.shape[0], laid.shape[1])
        missing = [more - here for more, here in zip(size, self._size, strict=True)]
        if any(missing):
            laid = np.pad(laid, [*((0, more) for more in missing), (0, 0)], mode="reflect")
        self._pixels = laid
        self._untrusted = ""

    def begin(self) -> None:
        """Forget what was told of the result: all of it comes again."""
        self._canvas.overshoot.begin()

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of it, (1, C, rows, columns) in float32."""
        block = self._canvas.values.encode(self._pixels[rows, columns])
        return torch.from_numpy(block).permute(2, 0, 1)[None].contiguous()

    def write(self, rows: slice, columns: slice, large: Tensor, float32: bool) -> None:
        """Put a part of its result, (1, C, S * rows, S * columns), where it belongs.

        Raises
        ------
        UntrustedError
            If it holds what no input explains, and was not computed in float32.
        ValueError
            If it holds NaN or infinity though it was.
        """
        rows, columns, large = self._without_padding(rows, columns, large)
        if not large.numel():
            return
        place = self._view.place(rows, columns, self._size)
        checked = self._checked(large, f"y={place[0].start}, x={place[1].start}", float32)
        self._canvas.put(self._number, *place, self._view.undo(checked).cpu())

    def _without_padding(
        self, rows: slice, columns: slice, large: Tensor
    ) -> tuple[slice, slice, Tensor]:
        scale = self._canvas.run_context.network.scale
        rows, columns = (
            slice(span.start, max(span.start, min(span.stop, size)))
            for span, size in zip((rows, columns), self._size, strict=True)
        )
        bottom, right = ((span.stop - span.start) * scale for span in (rows, columns))
        return rows, columns, large[..., :bottom, :right]

    def _checked(self, large: Tensor, where: str, float32: bool) -> Tensor:
        """Return a part of a result after its outliers were told, and dealt with as chosen."""
        run_context, bounds = self._canvas.run_context, self._canvas.bounds
        outside = bounds.outside(large[:, :3])
        if outside.any():
            if not float32:
                self._untrusted = where
                raise UntrustedError(where)
            if not torch.isfinite(large).all():
                raise ValueError(f"the network returned NaN or infinite values at {where}")
            ends = np.array(_ends(large[:, :3].cpu().numpy()))
            low, high = run_context.values.decode(ends, np.float64)
            run_context.diagnostics.note(where, int(outside.sum()), (float(low), float(high)))
            corrected = bounds.corrected(large[:, :3], run_context.outliers)
            large = torch.cat((corrected, large[:, 3:]), dim=1)
        if self._untrusted == where:
            self._untrusted = ""
            run_context.diagnostics.recomputed += 1
            self._canvas.notes.append(
                f"half precision failed in the tile at {where}, which was computed in float32"
            )
        return large
