"""Write blocks of pixels to all levels of an OME-Zarr image on the disk."""

from __future__ import annotations

import os
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_sr.atomic_write import remove_leftovers
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.area_mean import area_means
from napari_sr.files.ome_zarr.arrangement import arranged
from napari_sr.files.ome_zarr.coarse import fill_level
from napari_sr.files.ome_zarr.display_range import set_display_ranges
from napari_sr.files.ome_zarr.documents import read_node
from napari_sr.files.ome_zarr.folder import mark
from napari_sr.files.ome_zarr.shards import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import zarr
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout

Version: TypeAlias = Literal["0.5", "0.4"]

OURS = "napari_sr"
"""Name of napari-sr's attributes in the group of an image."""


class OmeZarrWriter:
    """An OME-Zarr image on the disk; blocks are written into it. See `create` and `open_writer`.

    Attributes
    ----------
    path : Path
        The folder, with links resolved.
    layout : Layout
        Axes, shape and data type of the image in a run, not as stored.
    block : (int, int)
        Rows and columns of a block.
    version : {"0.5", "0.4"}
        Version of OME-Zarr.
    levels : tuple of Zarr arrays
        Levels of the pyramid, finest first, to read from; axes are in stored order.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        block: tuple[int, int],
        version: Version,
        levels: Sequence[zarr.Array[Any]],
        targets: Sequence[zarr.Array[Any]],
    ) -> None:
        self.path, self.layout, self.block, self.version = path, layout, block, version
        self.levels = tuple(levels)
        self._targets = targets
        self._arrangement = arranged(layout)
        self._synced: set[Path] = set()
        self._sizes = levels_of(layout.height, layout.width, block)
        self._owned = sum(level.shard is not None for level in self._sizes)

    @property
    def provenance(self) -> dict[str, Any]:
        """How the image was computed, from the disk; "complete" says whether it is finished."""
        return {key: value for key, value in self._stored().items() if key != "written"}

    def _stored(self) -> dict[str, Any]:
        """Return napari-sr's attributes of the image, from the disk."""
        node = read_node(self.path)
        return {} if node is None else node.attributes.get(OURS, {})

    @property
    def levels_of_blocks(self) -> tuple[zarr.Array[Any], ...]:
        """The levels that `write` writes, finest first; `finish` computes the others."""
        return self.levels[: self._owned]

    def blocks(self) -> Iterator[tuple[tuple[int, ...], int, int]]:
        """Yield plane, first row and first column of every block."""
        rows = range(0, self.layout.height, self.block[0])
        columns = range(0, self.layout.width, self.block[1])
        for plane in self.layout.planes():
            for row, column in product(rows, columns):
                yield plane, row, column

    def write(self, plane: tuple[int, ...], row: int, column: int, values: NDArray[Any]) -> None:
        """Write a block to level 0, and its area means to the other `levels_of_blocks`.

        After the call, the block is on the disk. No file is read, and each file is written whole.

        Parameters
        ----------
        plane : tuple of int
            Index of the plane along the looped axes, as `Layout.planes` yields it.
        row, column : int
            First row and column, multiples of the sides of a block.
        values : array, (H, W) or (H, W, 3 or 4)
            The pixels: a whole block, or its part within the plane.

        Raises
        ------
        FileError
            If a file cannot be written.
        ValueError
            If the position, or the shape or type of the values, does not fit a block.
        """
        self._check(row, column, values)
        try:
            for number, part in enumerate(chain([values], area_means(values, self._owned - 1))):
                where = plane, row >> number, column >> number
                index, stored = self._arrangement.index(*where, part)
                self._targets[number][index] = stored
            self._sync(plane, row, column)
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"{self.path} could not be written: {reason}") from error

    def _check(self, row: int, column: int, values: NDArray[Any]) -> None:
        height = min(self.block[0], self.layout.height - row)
        width = min(self.block[1], self.layout.width - column)
        shape = (height, width, self.layout.channels) if self.layout.samples else (height, width)
        aligned = row % self.block[0] == 0 and column % self.block[1] == 0
        if not aligned or values.shape != shape or values.dtype != self.layout.dtype:
            raise ValueError(
                f"a block needs a position at multiples of {self.block} and {self.layout.dtype} of "
                f"shape {shape}, got row {row}, column {column} and {values.dtype} of "
                f"{values.shape}"
            )

    def _sync(self, plane: tuple[int, ...], row: int, column: int) -> None:
        from napari_sr.files.ome_zarr.store import sync_folders

        sync_folders(self.files_of(plane, row, column), self.path, self._synced)

    def files_of(self, plane: tuple[int, ...], row: int, column: int) -> list[Path]:
        """Return the files of a block, on all `levels_of_blocks`."""
        positions = self._arrangement.position(plane)
        if self.layout.samples:
            positions["C"] = 0
        return [
            file
            for number in range(self._owned)
            for file in self._files_of_level(number, positions, row >> number, column >> number)
        ]

    def _files_of_level(
        self, number: int, positions: Mapping[str, int], row: int, column: int
    ) -> Iterator[Path]:
        level = self._sizes[number]
        shard = level.shard or level.chunk
        side = shard if self.version == "0.5" else level.chunk
        parts = {letter: range(place, place + 1) for letter, place in positions.items()}
        if self.layout.samples and self.version == "0.4":
            parts["C"] = range(self.layout.channels)
        stops = min(row + shard[0], level.height), min(column + shard[1], level.width)
        parts["Y"] = range(row // side[0], -(-stops[0] // side[0]))
        parts["X"] = range(column // side[1], -(-stops[1] // side[1]))
        folder = self.path / str(number) / ("c" if self.version == "0.5" else "")
        for index in product(*(parts[letter] for letter in self._arrangement.letters)):
            yield folder.joinpath(*map(str, index))

    def has(self, plane: tuple[int, ...], row: int, column: int) -> bool:
        """Return whether all files of a block exist, and none is empty."""
        return self.size_of(plane, row, column) > 0

    def size_of(self, plane: tuple[int, ...], row: int, column: int) -> int:
        """Return the size of a block's files in bytes; 0 if one is missing or empty."""
        sizes = [_size(file) for file in self.files_of(plane, row, column)]
        return sum(sizes) if all(sizes) else 0

    def clean(self) -> None:
        """Remove the unfinished files of processes on this machine that no longer run."""
        for folder, _, _ in os.walk(self.path):
            remove_leftovers(Path(folder))

    def finish(self, record: Mapping[str, Any] | None = None) -> None:
        """Compute the levels that `write` does not write, and mark the image as complete.

        Parameters
        ----------
        record : mapping, optional
            Record of the finished run, as JSON; by default, the one given to `create`.

        Raises
        ------
        FileError
            If blocks are missing, or a file cannot be read or written.
        """
        missing = [block for block in self.blocks() if not self.has(*block)]
        if missing:
            plane, row, column = missing[0]
            raise FileError(
                f"{self.path} lacks {len(missing)} blocks, the first at row {row}, column "
                f"{column} of plane {plane}"
            )
        self.clean()
        size = self.layout.height, self.layout.width
        try:
            for number in range(self._owned, len(self.levels)):
                fill_level(self.levels[number - 1], self._targets[number], number, size)
            ranges = self._stored().get("written", {}).get("ranges", ())
            set_display_ranges(self.path, self._arrangement.letters, self.levels[-1], ranges)
            ended = {} if record is None else {"record": dict(record)}
            mark(self.path, OURS, {"complete": True, **ended})
        except OSError as error:
            reason = error.strerror or error
            raise FileError(f"{self.path} could not be written: {reason}") from error


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
