"""Upscale a stack along Y and X with a network, and along Z by interpolation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import checked_axial, enlarge_z
from napari_sr.runs.run import drive, run_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
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
    """
    layout = layout_of(request.image.shape, request.image.dtype, request.axes)
    factor = checked_axial(axial, layout)
    unrounded = replace(request, settings=replace(request.settings, unrounded=True))
    result = drive(run_request(unrounded), progress)
    kind = result.pixels.dtype if layout.dtype.kind == "f" else layout.dtype
    return enlarge_z(result.pixels, layout.axes.index("Z"), factor, kind)
