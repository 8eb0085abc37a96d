"""The record of a run: enough to repeat it, and to explain its result."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_sr import __version__
from napari_sr.engine.planning.border import decided_border
from sr_kernels import distrusted, launched

if TYPE_CHECKING:
    from napari_sr.engine.execution.context import RunContext
    from napari_sr.engine.execution.prepared import Prepared
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.engine.planning.settings import Settings


def record_of(
    run_context: RunContext,
    plan: Plan,
    notes: list[str],
    prepared: Prepared,
    away: float = 0.0,
) -> dict[str, object]:
    """Return settings, versions and diagnostics of a run that ended or was cancelled.

    Parameters
    ----------
    run_context : RunContext
        State of the run.
    plan : Plan
        Last plan of the run.
    notes : list of str
        Messages of the run.
    prepared : Prepared
        The prepared run.
    away : float
        Seconds during which the run was paused.
    """
    return {
        "network": run_context.network.title,
        "scale": run_context.network.scale,
        "tile": plan.side,
        "halo": plan.halo,
        "stages": len(plan.stages.all),
        "tiles_exact": plan.exact_for(run_context.network),
        "receptive_field": run_context.network.receptive_field,
        "device": str(plan.device),
        "ensemble": plan.ensemble,
        "precision": str(plan.precision).removeprefix("torch."),
        "value_range": (run_context.values.low, run_context.values.high),
        "notes": notes,
        "guards": run_context.diagnostics.record(),
        "engine": run_context.backend.record(),
        "versions": versions(),
        "kernels": {
            "chosen": run_context.kernels,
            "launched": _since(prepared.launched),
            "distrusted": distrusted(plan.device),
        },
        "settings": _decided(run_context, plan, prepared.settings).of_result,
        "seconds": time.monotonic() - prepared.began - away,
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that determine a result."""
    return {"napari-sr": __version__, "torch": torch.__version__, "numpy": np.__version__}


def _decided(run_context: RunContext, plan: Plan, asked: Settings) -> Settings:
    """Return the settings that repeat a run, with what was chosen in place of "auto" and None."""
    engine, values = run_context.backend.record(), run_context.values
    inside = str(engine.get("precision", plan.precision)).removeprefix("torch.")
    found = asked.value_range
    declared = None if found is None else (float(values.low), float(values.high))
    return replace(
        asked,
        tile=plan.tile,
        device=str(plan.device),
        precision=inside if inside == "bfloat16" else str(plan.precision).removeprefix("torch."),
        value_range=declared,
        kernels=run_context.kernels,
        ensemble=plan.ensemble,
        engine=str(engine["name"]),
        border=decided_border(run_context.network, asked),
    )


def _since(before: dict[str, int]) -> dict[str, int]:
    """Return how often each kernel was launched since the counts `before`."""
    now = launched()
    return {
        name: now[name] - before.get(name, 0) for name in now if now[name] > before.get(name, 0)
    }
