"""What a preview computes; torch is imported when it starts."""

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
"""Side of a block in LR pixels, about: computed in a moment, and kept while one pans."""


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
    known: frozenset[Any] = frozenset()
    """Spans of the blocks that are there already; see `Region.spans`."""


class PreviewBlock(NamedTuple):
    """A part of the preview: at first the whole region with repeated pixels, then blocks."""

    core: Region
    """Its pixels of the source."""
    values: NDArray[Any]
    """Its result, (S * H, S * W) or (S * H, S * W, C)."""
    computed: bool
    """Whether the network computed it."""


def run_in_view(request: PreviewRequest) -> Generator[PreviewBlock | None, None, bool]:
    """Compute the blocks of a region; see `preview.run_preview`."""
    from napari_sr.streaming import preview

    return (yield from preview.run_preview(request))
