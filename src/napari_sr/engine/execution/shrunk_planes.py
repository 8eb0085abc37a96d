"""The planes of a network's result in memory, each shrunk when it is complete.

Symbols: S scale of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
from napari_sr.engine.planning.shrinking import Shrinking
from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Finished, Output
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.blocks import Block, BlockGrid
    from napari_sr.graph.network import Network


class ShrunkPlanes:
    """The output of a run whose planes are shrunk: tiles are assigned to it by index.

    One plane of the network's result is in memory at a time, as floats.

    Parameters
    ----------
    shrinking : Shrinking
        The last step of the enlargement.
    window : Layout
        Layout of the part of the image that the run gets.
    place : Region
        Rows and columns of this part in the whole plane.
    size : (int, int)
        Height and width of the whole plane.
    target : Region
        The pixels of the plane's shrunk result that are computed.
    output : array
        Receives the shrunk planes, and nothing else of each plane.
    layout : Layout
        Layout of the output.
    spread : array, optional
        Array of float32 for the spread of an ensemble, with the shape of the output.
    """

    def __init__(
        self,
        shrinking: Shrinking,
        window: Layout,
        place: Region,
        size: tuple[int, int],
        target: Region,
        output: Output,
        layout: Layout,
        spread: Output | None = None,
    ) -> None:
        self._shrinking, self._place, self._size, self._target = shrinking, place, size, target
        self._output, self._layout = output, layout
        one = window.one_plane.as_floats
        self.dtype = one.dtype
        self._larger = one.enlarged(shrinking.scale)
        self._plane: NDArray[Any] = np.empty(self._larger.shape, self.dtype)
        self._spread_output = spread
        self.spread: ShrunkSpread | None = None
        """What computes the spread, if it is wanted."""
        if spread is not None:
            self.spread = ShrunkSpread(shrinking, size)
            self.spread.aim(place, target)

    def __setitem__(self, index: tuple[Any, ...], values: NDArray[Any]) -> None:
        at = tuple(one if isinstance(one, slice) else 0 for one in index)
        self._plane[at] = values

    def finish(self, index: tuple[int, ...]) -> Finished:
        """Shrink the plane, and write it as the plane with this index; return it unrounded, too."""
        plane = self._larger.read(self._plane, (0,) * len(index))
        kind = self._output.dtype
        unrounded, small = self._shrinking.apply(plane, self._place, self._size, self._target, kind)
        whole = slice(0, small.shape[0]), slice(0, small.shape[1])
        self._layout.write(self._output, index, *whole, small)
        if self.spread is not None and self._spread_output is not None:
            found = self.spread.take()
            found = found if self._layout.samples else found[..., 0]
            self._layout.write(self._spread_output, index, *whole, found)
        return unrounded, small


def shrunk(
    output: Output, layout: Layout, network: Network, spread: Output | None = None
) -> dict[str, Any]:
    """Return the output of a run on whole planes, and what it calls with each finished plane.

    Parameters
    ----------
    output : array
        Receives the result.
    layout : Layout
        Layout of the image.
    network : Network
        The network that runs; its factor is not its scale.
    spread : array, optional
        Receives the spread of an ensemble.
    """
    shrinking = Shrinking(network.scale, network.factor)
    size = layout.height, layout.width
    whole = Region(slice(0, size[0]), slice(0, size[1]))
    target, larger = shrinking.target(whole), layout.enlarged(shrinking.factor)
    planes = ShrunkPlanes(shrinking, layout, whole, size, target, output, larger, spread)
    return {"output": planes, "finish": planes.finish, "spread": planes.spread}


def into_region(
    output: Output, window: Layout, grid: BlockGrid, block: Block, spread: Output | None = None
) -> dict[str, Any]:
    """Return the output of a run on one block of each plane, and what to call with each plane.

    These are fields of `Planes`. If the network's result is not shrunk, the outputs are the given
    ones, and nothing is called.

    Parameters
    ----------
    output : array
        Receives the result.
    window : Layout
        Layout of the pixels of the image that the run gets.
    grid : BlockGrid
        The blocks, one per plane.
    block : Block
        One of them.
    spread : array, optional
        Receives the spread of an ensemble.
    """
    shrinking, target = grid.shrinking, block.target
    if shrinking is None or target is None:
        return {"output": output, "spread": spread}
    size, larger = (grid.layout.height, grid.layout.width), grid.enlarged(shrinking.scale)
    planes = ShrunkPlanes(shrinking, window, block.window, size, target, output, larger, spread)
    return {"output": planes, "finish": planes.finish, "spread": planes.spread}
