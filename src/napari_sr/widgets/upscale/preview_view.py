"""The part of a layer that a preview shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.tiling import Region

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image

    from napari_sr.graph.factor import Factor
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.streaming.preview_request import PreviewRequest

LARGEST = 2**22
"""Largest number of the result's pixels in a preview: more than a screen shows."""
NOWHERE = Region(slice(0, 0), slice(0, 0))


@dataclass(frozen=True)
class View:
    """The part to preview: the request, and the look of the result's layer."""

    request: PreviewRequest
    layer: Image
    """The source layer."""
    factor: Factor
    """Enlargement of the result."""
    arguments: Callable[[Region], dict[str, Any]]
    """Returns the keyword arguments of a layer that shows the result of a region."""

    @property
    def scale(self) -> int:
        """Enlargement of the result, rounded up."""
        return math.ceil(self.factor)

    @property
    def plane_bytes(self) -> int:
        """Size of the whole plane's result in bytes."""
        source = self.request.source
        pixels = math.prod(source.shape[len(self.request.plane) :])
        return pixels * self.scale**2 * source.dtype.itemsize


def alike(one: View, other: View) -> bool:
    """Return whether blocks of one view can be reused in another."""
    first, second = (replace(view.request, region=NOWHERE) for view in (one, other))
    same_data = first.source.data is second.source.data
    same = replace(first, source=second.source) == second
    return same_data and same and one.layer is other.layer and one.factor == other.factor


def central(region: Region, scale: int) -> Region:
    """Return the central part of a region: its result has at most `LARGEST` pixels."""
    side = int(LARGEST**0.5) // scale
    height, width = region.size
    # the part may be wider if the region is low, and higher if the region is narrow
    rows = min(height, max(side, LARGEST // scale**2 // width))
    columns = min(width, max(side, LARGEST // scale**2 // height))
    top = region.rows.start + (height - rows) // 2
    left = region.columns.start + (width - columns) // 2
    return Region(slice(top, top + rows), slice(left, left + columns))


def in_words(view: View, region: Region, *, exact: bool, share: float | None = None) -> str:
    """Return a sentence on what a preview shows.

    Parameters
    ----------
    view : View
        The part to preview.
    region : Region
        The part that is shown.
    exact : bool
        Whether that part equals the result of the whole layer.
    share : float, optional
        Share of the whole plane that is computed, 0..1; the preview is exact once the share is 1.
        None if the whole plane is not computed.
    """
    if exact:
        where = "" if region == view.request.region else " in the centre of the view"
        more = f"{where}; zoom in for the rest" if where else ""
        return f"Preview: these are the pixels of the result{more}."
    until = "" if share is None else f" until all of the plane is computed ({share:.0%})"
    return f"Preview: the network uses the whole plane, so the preview differs slightly{until}."


def why_no_preview(choice: ChosenModel) -> str:
    """Return why a model has no preview, without loading it; "" if it has one."""
    if choice.reference.missing:
        return "No preview: the model is not downloaded yet; Run downloads it."
    if choice.model.other_unit:
        return (
            f"No preview: results of {choice.model.title} may have another unit than the image. "
            "Run it on a region instead."
        )
    return ""
