"""The record of a run by blocks, before and after the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.run_record import versions
from napari_sr.engine.planning.devices import choose_precision
from napari_sr.engine.planning.for_network import device_for
from napari_sr.files.ome_zarr.pyramid import arrays
from napari_sr.files.stored_record import stored_record
from napari_sr.runs.consistency import with_consistency

if TYPE_CHECKING:
    from napari_sr.files.lazy_image import LazyImage
    from napari_sr.files.ome_zarr.block_writer import OmeZarrWriter
    from napari_sr.streaming.report import Report
    from napari_sr.streaming.run import BlockRun


def block_record(run: BlockRun, report: Report | None = None) -> dict[str, Any]:
    """Return the record of a run by blocks, without its source.

    Parameters
    ----------
    run : BlockRun
        A run with a fixed tile.
    report : Report, optional
        Report of the run at its end; None if it has not ended.
    """
    settings, network, grid = run.settings, run.network, run.reader.grid
    device = device_for(network, settings)
    precision = choose_precision(settings.precision, device, network.precisions)
    values = float(run.values.low), float(run.values.high)
    decided = replace(
        settings,
        device=str(device),
        precision=str(precision).removeprefix("torch."),
        value_range=None if settings.value_range is None else values,
        engine=settings.engine if report is None else report.engine,
        border="reflect" if grid.border else "zeros",
    )
    return {
        **network.provenance,
        "network": network.title,
        "scale": network.scale,
        "tile": settings.tile,
        "halo": settings.halo,
        "receptive_field": network.receptive_field,
        "block": (grid.rows, grid.columns),
        "device": decided.device,
        "ensemble": decided.ensemble,
        "precision": decided.precision,
        "value_range": values,
        "versions": versions(),
        "settings": decided.of_result,
        **({} if report is None else _of_report(report, settings.outliers)),
    }


def ended_record(image: LazyImage, writer: OmeZarrWriter) -> dict[str, Any] | None:
    """Return a result's record, with figures of how well the result agrees with its source.

    Parameters
    ----------
    image : LazyImage
        The source.
    writer : OmeZarrWriter
        The result, with all blocks.

    Returns
    -------
    dict or None
        None if the result has no record, because an older version began it.
    """
    record = stored_record(writer.path)
    if record is None:
        return None
    return with_consistency(record, image.pixels, arrays(writer, writer.levels[:1])[0], image.axes)


def _of_report(report: Report, outliers: str) -> dict[str, Any]:
    """Return the entries that are known only at the end of a run."""
    found = report.diagnostics.in_words(outliers)
    return {
        "notes": [*report.notes, *([found] if found else [])],
        "guards": report.diagnostics.record(),
        "engine": {"name": report.engine, "used": report.engines},
    }
