"""The request of a preview; torch is imported when the preview starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.planning.settings import Settings
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.source import Source

SIDE = 128
"""Approximate side of a block in pixels of the source: short enough to be computed in a moment.
Finished blocks are kept while the user pans."""


@dataclass(frozen=True)
class PreviewRequest:
    """A part of a layer's plane to preview."""

    source: Source
    """The whole layer."""
    plane: tuple[int, ...]
    """Index of the plane that is shown."""
    region: Region
    """The rectangle of the plane that is shown."""
    model: ModelReference
    settings: Settings
    one_plane: bool = False
    """Whether percentiles and noise are those of this plane alone, as in a run of the current
    slice."""
    known: frozenset[Any] = frozenset()
    """Spans of the blocks that are computed already; see `Region.spans`."""
    whole_plane: bool = False
    """Whether to compute the whole plane, as networks with global values need for exact pixels."""
    plane_is_known: bool = False
    """Whether the result of the whole plane is known already, so that no block is computed."""


class PreviewBlock(NamedTuple):
    """A part of the preview: first the whole region, enlarged by nearest neighbour; then blocks."""

    core: Region
    """Rows and columns of the source that the part covers."""
    values: NDArray[Any]
    """The pixels of the part, (F * H, F * W) or (F * H, F * W, C), where F is the factor."""
    computed: bool
    """Whether the network computed it."""


def run_in_view(request: PreviewRequest) -> Generator[PreviewBlock | float | None, None, bool]:
    """Compute the blocks of a region; see `preview.run_preview`."""
    from napari_sr.streaming import preview

    return (yield from preview.run_preview(request))
