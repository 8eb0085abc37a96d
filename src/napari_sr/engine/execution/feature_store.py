"""Storage of feature planes between the stages of a tiled run: in memory, or in files.

Symbols: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.execution.band_memory import BandMemory
from napari_sr.engine.planning.devices import trim
from napari_sr.engine.planning.tiling import scaled
from napari_sr.engine.planning.turns import rows_of_a_band

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from torch import Tensor

    from napari_sr.engine.execution.band_memory import Block


@dataclass
class _Band:
    """Consecutive rows of a plane, over its whole width."""

    values: Tensor
    """(1, C, rows, width)."""
    block: Block
    """The bytes behind the values."""


@dataclass
class _Plane:
    """One feature plane."""

    channels: int
    scale: int | Fraction
    dtype: torch.dtype
    bands: dict[int, _Band] = field(default_factory=dict)
    """Bands by number, counted from the top; only bands that were written."""
    lent: Tensor | None = None
    """The last part that was read to be used only until the next one."""


class FeatureStore:
    """Feature planes by name, in bands of rows that take and free memory one by one.

    Channels are last in memory and in files, so that consecutive rows are contiguous.

    Parameters
    ----------
    height, width : int
        H and W.
    multiple : int
        Bands begin at multiples of this row number.
    budget : int
        Bytes of memory that planes may use; the rest goes to files.
    channels_last : bool
        Whether parts are returned with channels last, which CPUs and most GPUs prefer.
    turns : bool
        Whether only some rows of each plane are stored at a time, so that bands are small.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        multiple: int = 1,
        budget: int,
        channels_last: bool,
        turns: bool = False,
    ) -> None:
        self._size = (height, width)
        self._rows = rows_of_a_band(height, multiple, turns=turns)
        self._memory = BandMemory(budget)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._planes: dict[str, _Plane] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the planes."""
        return tuple(self._planes)

    @property
    def bands(self) -> int:
        """Number of bands in all planes."""
        return sum(len(plane.bands) for plane in self._planes.values())

    def make(self, name: str, channels: int, scale: int | Fraction, dtype: torch.dtype) -> None:
        """Create an empty plane; replace a plane of this name."""
        self.drop(name)
        self._planes[name] = _Plane(channels, scale, dtype)

    def read(self, name: str, rows: slice, columns: slice, *, until_next: bool = False) -> Tensor:
        """Return a part of a plane, (1, C, scale * rows, scale * columns).

        Rows of one band over the whole width are returned as a view; do not write to it.

        Parameters
        ----------
        name : str
            Name of the plane.
        rows, columns : slice
            The part, in pixels of the image.
        until_next : bool
            Whether the part is used only until the next such part of the plane is read, which may
            then take its memory.
        """
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        down = scaled(rows, plane.scale)
        pieces = list(self._bands_of(rows))
        if len(pieces) == 1:
            number, in_band, _ = pieces[0]
            view = plane.bands[number].values[..., scaled(in_band, plane.scale), across]
            if view.is_contiguous(memory_format=self._layout):
                return view
        shape = (1, plane.channels, down.stop - down.start, across.stop - across.start)
        part = plane.lent if until_next else None
        if part is None or part.shape != shape:
            part = torch.empty(shape, dtype=plane.dtype, memory_format=self._layout)
        plane.lent = part if until_next else plane.lent
        for number, in_band, in_part in pieces:
            target = part[..., scaled(in_part, plane.scale), :]
            target.copy_(plane.bands[number].values[..., scaled(in_band, plane.scale), across])
        return part

    def write(self, name: str, rows: slice, columns: slice, values: Tensor) -> None:
        """Write values to a part of a plane.

        Raises
        ------
        OutOfMemoryError
            If neither memory nor the disk has room.
        """
        plane = self._planes[name]
        across = scaled(columns, plane.scale)
        for number, in_band, in_part in self._bands_of(rows):
            if number not in plane.bands:
                plane.bands[number] = self._new_band(plane, number)
            target = plane.bands[number].values[..., scaled(in_band, plane.scale), across]
            target.copy_(values[..., scaled(in_part, plane.scale), :])

    def drop_above(self, name: str, row: int) -> None:
        """Free the bands of a plane that are entirely above a row, if the plane exists."""
        plane = self._planes.get(name)
        while plane is not None and plane.bands:
            first = min(plane.bands)
            if (first + 1) * self._rows > row:
                return
            self._memory.give_back(plane.bands.pop(first).block)

    def drop(self, name: str) -> None:
        """Free a plane, if it exists."""
        self.drop_above(name, self._size[0] + self._rows)
        if self._planes.pop(name, None) is not None:
            trim()

    def close(self) -> None:
        """Free all planes."""
        for name in self.names:
            self.drop(name)
        self._memory.close()

    def _bands_of(self, rows: slice) -> Iterator[tuple[int, slice, slice]]:
        """Yield the bands that rows overlap: number, rows of the band, rows relative to `rows`."""
        for number in range(rows.start // self._rows, -(-rows.stop // self._rows)):
            top = number * self._rows
            start, stop = max(rows.start, top), min(rows.stop, top + self._rows)
            yield (
                number,
                slice(start - top, stop - top),
                slice(start - rows.start, stop - rows.start),
            )

    def _new_band(self, plane: _Plane, number: int) -> _Band:
        down = scaled(self._rows_of(number), plane.scale)
        rows, width = down.stop - down.start, int(self._size[1] * plane.scale)
        block = self._memory.take(rows * width * plane.channels * plane.dtype.itemsize)
        values = block.values.view(plane.dtype).view(1, rows, width, plane.channels)
        return _Band(values.permute(0, 3, 1, 2), block)

    def _rows_of(self, number: int) -> slice:
        """Return the rows of a band, in pixels of the image."""
        return slice(number * self._rows, min((number + 1) * self._rows, self._size[0]))
