"""Decide a run's engine, precision and tile at its start: all processes compute the same bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.estimate import measure_speed
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.run import drive
from napari_sr.streaming.run import run_blocks
from napari_sr.streaming.task_json import noise_from_json

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from napari_sr.engine.execution.context import Progress
    from napari_sr.streaming.run import BlockRun

WORTH_WAITING = 60.0
"""Seconds. A run that would take longer with PyTorch first tries other engines."""


def fixed_settings(run: BlockRun) -> BlockRun:
    """Return the run with tile, engine and precision chosen for all its blocks; see `fixing`."""
    return drive(fixing(run))


def fixing(run: BlockRun) -> Generator[Progress, None, BlockRun]:
    """Choose one tile, engine and precision for all blocks, and return the run with them.

    If the user left the engine open and the run is long, the first block is computed once to find
    the fastest engine.

    Parameters
    ----------
    run : BlockRun
        A run with the settings that the user chose.

    Yields
    ------
    Progress
        After each tile of the first block, if it is computed.

    Raises
    ------
    ValueError
        If a setting is wrong.
    OutOfMemoryError
        If a block does not fit into memory.
    """
    prepared = run.prepared(run.reader.grid.block(0))  # block 0 has the largest window
    # "auto" would be half precision on a GPU, also for a run that was begun on a CPU
    precision = str(prepared.plan.precision).removeprefix("torch.")
    settings = replace(run.settings, tile=prepared.plan.tile, precision=precision)
    if settings.chosen_engine != "auto":
        return replace(run, settings=replace(settings, engine=settings.chosen_engine))
    if prepared.plan.device.type != "cpu" or _seconds(run, prepared.plan.cost) < WORTH_WAITING:
        return replace(run, settings=replace(settings, engine="torch"))
    run = replace(run, settings=settings)
    report = yield from run_blocks(run, [0], lambda block, values: None)
    return replace(run, settings=replace(settings, engine=report.engine))


def fixed_of(run: BlockRun) -> dict[str, Any]:
    """Return what was chosen for all blocks of a run, as the entry "fixed" of its task."""
    settings = run.settings
    return {
        "values": [run.values.low, run.values.high],
        "tile": settings.tile,
        "engine": settings.engine,
        "precision": settings.precision,
        **({} if settings.noise is None else {"noise": settings.noise}),
    }


def fixed_as(settings: Settings, fixed: Mapping[str, Any]) -> Settings:
    """Return settings with what `fixed_of` returned for an unfinished run."""
    precision = fixed.get("precision", settings.precision)  # older versions did not write it
    return replace(
        settings,
        tile=fixed["tile"],
        engine=fixed["engine"],
        precision=precision,
        noise=noise_from_json(fixed.get("noise")),
    )


def _seconds(run: BlockRun, pixels: float) -> float:
    """Return the seconds that PyTorch needs for a run, from its cost in pixels."""
    speed = measure_speed(run.network, Settings(device="cpu", precision="float32", engine="torch"))
    return run.reader.grid.count * pixels / speed
