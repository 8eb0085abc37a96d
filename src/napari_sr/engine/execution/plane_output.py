"""One plane: convert its pixels to network input, and results to pixels of the output.

Most networks pad an image with zeros, so the outermost rows of a result are wrong even for a flat
image. Reflected pixels between the image and the zeros keep these errors out of the result.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.engine.execution.context import UntrustedError
from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.image.described_values import DescribedValues
from napari_sr.engine.image.excess import Excess
from napari_sr.engine.image.plane_values import PlaneValues
from napari_sr.engine.image.sampling import mirrored
from napari_sr.engine.planning.tiling import scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.execution.context import Output, RunContext
    from napari_sr.engine.image.conversion import Filled

DECODED_TOGETHER = 2**20
"""Number of values of a result that are converted at a time, each with some 40 bytes of memory."""


class PlaneOutput:
    """One plane of the image, and its part of the output.

    Parameters
    ----------
    run_context : RunContext
        State that all planes share.
    index : tuple of int
        Index of the plane along the looped axes.
    plane : Filled, (H, W, C)
        Pixels of the image.
    size : (int, int)
        Height and width that the network reads; see `ExtendedPixels`.
    """

    def __init__(
        self, run_context: RunContext, index: tuple[int, ...], plane: Filled, size: tuple[int, int]
    ) -> None:
        self.run_context = run_context
        self.scale = run_context.network.scale
        self.notes: list[str] = []
        """Messages that the user has not received yet."""
        height, width = plane.pixels.shape[:2]
        self._kept = plane.kept or (slice(0, height), slice(0, width))
        self._origin = plane.origin
        self.values = PlaneValues(plane, run_context.values, run_context.output.dtype)
        if (processing := run_context.network.processing) is not None:
            self.values = DescribedValues(plane, run_context.output.dtype, processing)
        limits, corrections = run_context.network.input_limits, run_context.network.corrections
        self._excess = None if limits is None else Excess(self.values, limits, corrections)
        self._index = index
        self._source = ExtendedPixels(self.values.pixels, plane.extension, size)
        self.extension = plane.extension
        """Reflected pixels around the plane, in the image's orientation."""
        self._untrusted: tuple[slice, slice] | None = None
        # interpolation handles values beyond black and white like any others
        learned = next(run_context.network.parameters(), None) is not None
        clipped = self._excess is not None and self._excess.exists
        run_context.diagnostics.add_plane(self.values, self._kept, learned=learned, clipped=clipped)

    def reset(self) -> None:
        """Forget the overshoot found so far, because the plane is computed again."""
        self.values.reset()

    def close(self) -> None:
        """Add the overshoot of the result to the diagnostics, unless the result is shrunk first."""
        self.run_context.count(self.values)

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the extended plane, (1, C, rows, columns) in float32."""
        return self.encoded(self._source.read(rows, columns))

    def write(self, rows: slice, columns: slice, values: Tensor, float32: bool) -> None:
        """Write a part of the result, (1, C, S * rows, S * columns), to the output.

        Parameters
        ----------
        rows, columns : slice
            Rows and columns of the extended plane, before enlargement.
        values : Tensor, (1, C, S * rows, S * columns)
            Part of the result, on any device.
        float32 : bool
            Whether the part was computed in float32.

        Raises
        ------
        UntrustedError
            If the part has implausible values and was not computed in float32.
        ValueError
            If the part has NaN or infinity and was computed in float32.
        """
        rows, columns = self._source.inside(rows, columns)
        rows, columns, values = within(rows, columns, values, self._kept, self.scale)
        if values.device.type == "mps":
            values = values.cpu()  # comparisons and clamping on this device are not trusted
        if values.numel():
            self.put(rows, columns, self.checked(rows, columns, values, float32).cpu())

    def encoded(self, block: NDArray[Any]) -> Tensor:
        """Convert pixels, (rows, columns, C), to network input, (1, C, rows, columns)."""
        encoded = self.values.encode(block)
        if self._excess is not None:
            encoded = self._excess.clipped(encoded)
        return torch.from_numpy(encoded).permute(2, 0, 1)[None].contiguous()

    def checked(self, rows: slice, columns: slice, large: Tensor, float32: bool) -> Tensor:
        """Report the outliers of a part of a result, and clip, mark or keep them as chosen.

        The part, `large`, may have any orientation. Arguments and errors as in `write`, but `rows`
        and `columns` are those of the plane without its extension.
        """
        top, left = self._origin
        context, where = self.run_context, f"y={top + rows.start}, x={left + columns.start}"
        colours, values = large[:, :3], self.values
        fits = values.bounds.contain(colours)
        if not fits and not (values.widen() and values.bounds.contain(colours)):
            if not float32:
                self._untrusted = (rows, columns)
                raise UntrustedError(where)
            if not torch.isfinite(large).all():
                raise ValueError(f"the network returned NaN or infinite values at {where}")
            ends = values.in_image_values(colours)
            count = int(values.bounds.outside(colours).sum())
            context.diagnostics.add_outliers(where, count, ends)
            corrected = values.bounds.corrected(colours, context.outliers)
            large = torch.cat((corrected, large[:, 3:]), dim=1)
        if self._untrusted == (rows, columns):
            self._untrusted = None
            context.diagnostics.recomputed += 1
            failed = f"half precision failed in the tile at {where}"
            self.notes.append(f"{failed}, so float32 was used there")
        return large

    def put(self, rows: slice, columns: slice, large: Tensor) -> None:
        """Convert a part of the result, (1, C, S * rows, S * columns) on the CPU, and write it.

        Only a few rows are converted at a time, because the conversion uses float64.
        """
        context, scale = self.run_context, self.scale
        rows, columns, large = within(rows, columns, large, self._kept, scale)
        if not large.numel():
            return
        values = large[0].permute(1, 2, 0).numpy()
        step = max(1, DECODED_TOGETHER // (values[:scale].size or 1))
        for start in range(rows.start, rows.stop, step):
            band = slice(start, min(start + step, rows.stop))
            part = values[scaled(slice(start - rows.start, band.stop - rows.start), scale)]
            if self._excess is not None:
                part = self._excess.added(part, band, columns, scale)
            result = self.values.decode(part, band, columns, scale)
            self._store(context.output, band, columns, result)

    def put_spread(self, rows: slice, columns: slice, spread: Tensor) -> None:
        """Convert a part of the spread, (1, C, S * rows, S * columns) on the CPU, and write it."""
        rows, columns, spread = within(rows, columns, spread, self._kept, self.scale)
        array = self.run_context.spread
        if array is not None and not isinstance(array, ShrunkSpread) and spread.numel():
            part = spread[0].permute(1, 2, 0).numpy()
            found = self.values.decode_spread(part, rows, columns, self.scale)
            self._store(array, rows, columns, found)

    def _store(self, array: Output, rows: slice, columns: slice, block: NDArray[Any]) -> None:
        """Write the block of some rows and columns, (S * rows, S * columns, C), to an array."""
        context, target = self.run_context, (scaled(rows, self.scale), scaled(columns, self.scale))
        pixels = block if context.layout.samples else block[..., 0]
        context.output_layout.write(array, self._index, *target, pixels)


def within(
    rows: slice, columns: slice, large: Tensor, kept: tuple[slice, slice], scale: int
) -> tuple[slice, slice, Tensor]:
    """Crop a part of a result to the rows and columns that are kept.

    All are rows and columns of the plane; the part, `large`, is (..., S * rows, S * columns).
    Return its rows, its columns and the part itself after cropping; they may be empty.
    """
    spans, parts = [], []
    for span, bounds in zip((rows, columns), kept, strict=True):
        start = min(max(span.start, bounds.start), bounds.stop)
        inside = slice(start, max(start, min(span.stop, bounds.stop)))
        spans.append(inside)
        first = min(inside.start, span.stop) - span.start
        parts.append(scaled(slice(first, first + inside.stop - inside.start), scale))
    return spans[0], spans[1], large[..., parts[0], parts[1]]


class ExtendedPixels:
    """Pixels that are extended to a larger height and width.

    Parameters
    ----------
    pixels : array, (H, W, C)
        The pixels.
    extension : Extension
        Number of reflected pixels on each side. The outermost pixels appear twice, as with
        `numpy.pad` and `mode="symmetric"`.
    size : (int, int)
        Height and width that the network needs. If the extended pixels are smaller, more pixels are
        reflected at the bottom and the right. Without an extension, the outermost pixels then
        appear only once.
    """

    def __init__(self, pixels: NDArray[Any], extension: Extension, size: tuple[int, int]) -> None:
        self._pixels = pixels
        self._origin = extension.top, extension.left
        twice = extension != Extension()
        self._places = [
            mirrored(np.arange(length) - before, available, twice=twice)
            for length, before, available in zip(size, self._origin, pixels.shape, strict=False)
        ]

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Return some rows and columns of the extended pixels, (rows, columns, C)."""
        part = self._pixels
        for axis, span in enumerate((rows, columns)):
            places = self._places[axis][span]
            first, last = int(places.min()), int(places.max()) + 1
            # a slice is a view, and keeps `take` from copying all pixels first
            part = part[first:last] if axis == 0 else part[:, first:last]
            if last - first != len(places) or places[0] > places[-1]:
                part = part.take(places - first, axis)
        return part

    def inside(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """Convert rows and columns of the extended pixels to rows and columns of the pixels.

        With reflected pixels, they begin below 0 or end beyond the last pixel.
        """
        top, left = self._origin
        return slice(rows.start - top, rows.stop - top), slice(
            columns.start - left, columns.stop - left
        )
