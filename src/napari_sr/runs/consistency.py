"""Add figures to a run's record that say how well the result agrees with the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.consistency.figures import KEY, figures_of
from napari_sr.consistency.pair import pair_of
from napari_sr.consistency.source_part import part_of_source, scales_of
from napari_sr.engine.image.arrays import layout_of
from napari_sr.runs.record import shrunk_as

PROCESSING = "processing"
"""The entry of a record with the author's processing."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.engine.image.arrays import ArrayLike


def with_consistency(
    record: Mapping[str, Any], source: ArrayLike, result: ArrayLike, axes: str | None
) -> dict[str, Any]:
    """Return a record with the figures as its entry `consistency`; see `consistency.figures`.

    If there are no finite pixels, or the network's author describes the processing of pixels, so
    that the result may have another unit, the entry is left out.

    Parameters
    ----------
    record : mapping
        Record of the run; it names the model and the part of the source.
    source : array
        The whole source. A few windows of it are read.
    result : array
        The result.
    axes : str, optional
        One letter per axis of both.
    """
    if PROCESSING in record:  # the source cannot be compared with pixels of another unit
        return dict(record)
    layout = layout_of(source.shape, source.dtype, axes)
    spans = part_of_source(record, layout)
    model = shrunk_as(record)
    scales = scales_of(record)
    found = figures_of(pair_of(source, result, model, axes=layout.axes, spans=spans, **scales))
    return dict(record) if found is None else {**record, KEY: found.record}
