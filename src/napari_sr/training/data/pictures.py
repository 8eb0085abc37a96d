"""Training pictures: planes of files or arrays, grey or RGB, in their stored type.

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from napari_sr.engine.image.arrays import layout_of, pixels_of, refuse_masked
from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.image.digits import counted
from napari_sr.engine.image.value_range import Percentiles, value_range_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.training.data.noise_model import NoiseModel

Declared: TypeAlias = tuple[float, float] | Percentiles | None
"""The values of black and white, as for `engine.image.value_range`."""
BEYOND = 0.1
"""How far floats without a declared range may lie outside 0..1."""


@dataclass(frozen=True)
class Picture:
    """One plane, grey or RGB, without alpha."""

    name: str
    """Name for messages: the file, and the plane if the file has several."""
    height: int
    width: int
    channels: int
    """1 for grey, 3 for RGB."""
    values: ValueRange
    """The stored values of black and white. Black is larger than white in files that store white as
    0."""
    steps: int | None
    """White, 255 or 65535, if black and white are the ends of an integer type; otherwise None."""
    read: Callable[[slice, slice], NDArray[Any]]
    """Takes slices of rows and columns; returns (h, w) or (h, w, 3) in the stored type."""
    undeclared: bool = False
    """Whether the picture has floats without a declared range."""
    noise: NoiseModel | None = None
    """The noise in the picture's values, if it was estimated from the whole image."""

    def crop(self, rows: slice, columns: slice) -> Tensor:
        """Return rows and columns as (C, h, w) float32, black at 0 and white at 1.

        Raises
        ------
        ValueError
            If values are not finite, or floats without a declared range lie far outside 0..1. The
            message names the picture.
        """
        block = self.read(rows, columns)
        self.check(block)
        if block.dtype in (np.uint8, np.uint16) and self.values.low == 0:
            # float32 holds both numbers exactly, so the quotient is rounded only once
            encoded = block.astype(np.float32) / np.float32(self.values.high)
        else:
            encoded = self.values.encode(block)
        image = torch.from_numpy(np.ascontiguousarray(encoded))
        return image[None] if image.ndim == 2 else image.permute(2, 0, 1).contiguous()

    def middle(self, most: int, multiple: int = 1) -> Tensor:
        """Return the middle, as `crop` does: at most `most` rows and columns, or all if 0."""
        return self.crop(*(middle(size, most, multiple) for size in (self.height, self.width)))

    def whole(self) -> Tensor:
        """Return the whole picture as `crop` does, (C, H, W)."""
        return self.crop(slice(0, self.height), slice(0, self.width))

    def part(self, rows: slice, columns: slice) -> Picture:
        """Return a rectangle of this picture as a new picture.

        Raises
        ------
        ValueError
            If the rectangle is empty, or not inside this picture.
        """
        spans = (rows.indices(self.height), columns.indices(self.width))
        height, width = (stop - start for start, stop, _ in spans)
        if height < 1 or width < 1 or spans[0][2] != 1 or spans[1][2] != 1:
            raise ValueError(
                f"a part of {self.name} must lie within its {self.height} x {self.width} pixels, "
                "got "
                f"rows {rows.start}:{rows.stop} and columns {columns.start}:{columns.stop}"
            )
        top, left = spans[0][0], spans[1][0]

        def read(inside: slice, across: slice) -> NDArray[Any]:
            shifted = slice(inside.start + top, inside.stop + top)
            return self.read(shifted, slice(across.start + left, across.stop + left))

        return replace(self, height=height, width=width, read=read)

    def check(self, block: NDArray[Any]) -> None:
        """Check for values that would spoil training.

        Raises
        ------
        ValueError
            As for `crop`.
        """
        if block.dtype.kind != "f":
            return
        finite = np.isfinite(block)
        if not finite.all():
            bad = int((~finite).sum())
            raise ValueError(f"{self.name} has {counted(bad, 'NaN or infinite value')}")
        low, high = float(block.min()), float(block.max())
        if self.undeclared and (low < -BEYOND or high > 1 + BEYOND):
            raise ValueError(
                f"{self.name} needs floats from 0 to 1, got {low:g} to {high:g}: declare its value "
                "range (low, high)"
            )


def of_array(
    array: ArrayLike, *, name: str = "array", axes: str | None = None, value_range: Declared = None
) -> list[Picture]:
    """Return every plane of an array as a picture; crops read only the pixels that they need.

    Parameters
    ----------
    array : array
        NumPy, dask, Zarr or a layer's data: (Y, X) or (Y, X, 3 or 4), or stacks of such planes.
    name : str
        Name for messages.
    axes : str, optional
        One letter per axis, such as "TZYX"; guessed by default, as `engine.arrays.layout_of` does.
    value_range : (low, high) or Percentiles, optional
        Black and white; by default the range of the integer type, or 0..1 for floats.

    Raises
    ------
    ValueError
        If the array is empty, its axes do not fit, its values are not real numbers, or the range
        is wrong or must be declared; the message names the array.
    """
    try:
        array = as_array(array)
        refuse_masked(array)
        layout = layout_of(array.shape, array.dtype, axes)
        values = value_range_of(array, layout, value_range)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    kind = np.dtype(array.dtype)
    integer = kind.kind in "ui"
    whole = kind.kind == "u" and kind.itemsize < 3 and value_range is None
    steps = round(values.high) if whole else None
    planes = list(layout.planes())
    return [
        Picture(
            name=f"{name}, plane {plane}" if len(planes) > 1 else name,
            height=layout.height,
            width=layout.width,
            channels=min(layout.channels, 3),
            values=values,
            steps=steps,
            read=_reader(array, layout, plane),
            undeclared=not integer and value_range is None,
        )
        for plane in planes
    ]


def _reader(
    array: ArrayLike, layout: Layout, plane: tuple[int, ...]
) -> Callable[[slice, slice], NDArray[Any]]:
    """Return a function that reads a part of one plane, also from a lazy array."""
    samples = layout.axes[-1] if layout.samples else ""
    positions = iter(plane)
    fixed = {axis: next(positions) for axis in layout.axes if axis not in ("Y", "X", samples)}

    def read(rows: slice, columns: slice) -> NDArray[Any]:
        spans = {"Y": rows, "X": columns, samples: slice(0, 3)}
        index = tuple(spans[axis] if axis in spans else fixed[axis] for axis in layout.axes)
        block = pixels_of(array[index])
        return block if layout.axes.index("Y") < layout.axes.index("X") else block.swapaxes(0, 1)

    return read


def middle(size: int, most: int, multiple: int) -> slice:
    """Return the middle `most` of `size` pixels, or all if `most` is 0."""
    wanted = (min(size, most) if most else size) // multiple * multiple
    start = (size - wanted) // 2
    return slice(start, start + wanted)
