"""Check a result against the part of its source that it covers, and add the map as a layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_sr.consistency.source_part import part_of_source, scales_of
from napari_sr.engine.image.arrays import layout_of
from napari_sr.runs.job import Step, named_errors
from napari_sr.runs.record import shrunk_as
from napari_sr.runs.run import translate
from napari_sr.widgets.common.layer_source import METADATA_KEY, source_of
from napari_sr.widgets.compare.figures import COLOURS, placed_on

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.consistency.source_part import Spans
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.evaluation.consistency import Check
    from napari_sr.runs.source import Source

MOST_IN_MEMORY = 256 * 2**20
"""Size in bytes up to which a map is computed completely. A larger map is computed only where
napari shows it. Large planes then get a coarse overview, so that the window never waits for a whole
plane."""
LIMIT = {"noise": 3.0}
"""Contrast limit of maps by unit. Maps in pixel values end at the 99th percentile instead."""


@dataclass(frozen=True)
class Checked:
    """The data of two layers to check; a worker uses these, and never touches a layer."""

    source: Source
    result: Source
    model: str | None
    """Name of the model that made the result; None if it is not a known model."""
    spans: Spans | None
    """The part of the source that the result covers; None for the whole source."""
    scales: dict[str, Any] = field(default_factory=dict)
    """Factor and the network's scale, if the result was shrunk; see `scales_of`."""

    @classmethod
    def of(cls, result: Image, source: Image) -> Checked:
        """Read two layers in the GUI thread.

        Raises
        ------
        ValueError
            If the result's record names a part that the source does not have.
        """
        record = result.metadata.get(METADATA_KEY, {})
        read = source_of(source)
        spans = part_of_source(record, _layout(read))
        return cls(read, source_of(result), shrunk_as(record), spans, scales_of(record))

    @property
    def origin(self) -> tuple[int, ...] | None:
        """Index of the first pixel of the part, without colours; None for the whole source."""
        if self.spans is None:
            return None
        return tuple(start for start, _ in self.spans[: len(self.source.origin)])

    def steps(self) -> Generator[Step, None, Check]:
        """Compare in a worker; a map that fits into memory is computed here, not when it is shown.

        The map of a colour image is the mean over the colours.
        """
        from napari_sr.evaluation.consistency import check_steps  # not before the first check

        def words(step: tuple[int, int]) -> Step:
            return Step(*step, f"Comparing: part {step[0] + 1} of {step[1]}")

        steps = check_steps(
            self.source.data,
            self.result.data,
            self.model,
            axes=self.source.axes,
            spans=self.spans,
            most_in_memory=MOST_IN_MEMORY,
            **self.scales,
        )
        found: Check = yield from named_errors(translate(steps, words), self.result.name)
        if not self.source.rgb:
            return found
        coarse = found.overview
        overview = None if coarse is None else coarse.mean(axis=-1)
        return replace(found, map=found.map.mean(axis=-1), overview=overview)


def _layout(source: Source) -> Layout:
    return layout_of(source.shape, source.dtype, source.axes)


def add_map(viewer: ViewerModel, found: Check, checked: Checked, source: Image) -> Image:
    """Add the map of a check as a layer that covers its source exactly.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    found : Check
        Figures and map of the check.
    checked : Checked
        The data that were checked.
    source : Image
        The source layer.
    """
    from napari.utils.colormaps import Colormap

    least = 1.0 if source.dtype.kind in "iu" else 0.0  # smaller differences are rounding
    limit = LIMIT.get(found.unit, max(found.p99, least)) or 1.0
    unit = "units of noise" if found.unit == "noise" else "values"
    pyramid: Any = found.map if found.overview is None else [found.map, found.overview]
    layer: Image = viewer.add_image(
        pyramid,
        name=f"{checked.result.name} minus {source.name}, shrunk, in {unit}",
        rgb=False,
        multiscale=found.overview is not None,
        colormap=Colormap(COLOURS, name="error"),
        contrast_limits=(-limit, limit),
        blending="translucent_no_depth",
        **placed_on(source, checked.origin),
    )
    return layer
