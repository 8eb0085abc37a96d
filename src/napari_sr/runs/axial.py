"""Upscale a stack along Y and X with a network, and along Z by interpolation."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import checked_axial, enlarge_z
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.runs.run import drive, run_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.runs.run import Request


def upscale_along_z(
    request: Request, axial: float, progress: Callable[[Progress], object] | None = None
) -> NDArray[Any]:
    """Run a request, and enlarge its result along Z.

    Integers are rounded only once, at the end.

    Parameters
    ----------
    request : Request
        The request; its image is an array with an axis Z.
    axial : float
        Enlargement along Z.
    progress : callable, optional
        Called with a `Progress` after each tile.

    Returns
    -------
    array
        As `napari_sr.upscale` returns it, with `ceil(D * axial)` planes along Z.

    Raises
    ------
    ValueError
        As `checked_axial` and `run_request` do.
    OutOfMemoryError
        If the enlarged stack does not fit.
    """
    layout = layout_of(request.image.shape, request.image.dtype, request.axes)
    factor = checked_axial(axial, layout)
    network = request.model.load()
    part = layout if request.region is None else layout.resized(request.region.size)
    larger = part.enlarged(network.scale)
    check_room(larger, factor, bytes_of(larger.as_floats))
    unrounded = replace(request, settings=replace(request.settings, unrounded=True))
    result = drive(run_request(unrounded, network), progress)
    kind = result.pixels.dtype if layout.dtype.kind == "f" else layout.dtype
    return enlarge_z(result.pixels, layout.axes.index("Z"), factor, kind)


def check_room(layout: Layout, factor: Fraction, more: int = 0) -> None:
    """Check that an enlarged stack fits into memory; some systems kill the program otherwise.

    Parameters
    ----------
    layout : Layout
        Layout of the stack, before it is enlarged along Z.
    factor : Fraction
        The enlargement.
    more : int
        Bytes that are needed beside the result.

    Raises
    ------
    OutOfMemoryError
        If it does not fit.
    """
    planes = layout.shape[layout.axes.index("Z")]
    result = bytes_of(layout) // planes * math.ceil(planes * factor)
    free = psutil.virtual_memory().available
    if result + more > free:
        raise OutOfMemoryError(
            f"the stack, enlarged {float(factor):.4g} times along Z, needs "
            f"{(result + more) / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free: "
            "enlarge a part of it, or less"
        )


def bytes_of(layout: Layout) -> int:
    """Return the number of bytes of an image."""
    return math.prod(layout.shape) * layout.dtype.itemsize
