"""A run that is ready to start: its settings are checked, and plan and engine are chosen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import psutil
import torch

from napari_sr.engine.backends.choice import compiled_for
from napari_sr.engine.execution.device_check import CHECKED, trusted_settings
from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.execution.scratch import FOLDER, LEFT_FREE, check_scratch_folder
from napari_sr.engine.image.guards import check_outliers
from napari_sr.engine.planning.budget import fit_to_memory, in_words
from napari_sr.engine.planning.devices import (
    OutOfMemoryError,
    free_memory,
    memory_for_features,
)
from napari_sr.engine.planning.plan import Plan, make_plan
from sr_kernels import launched

if TYPE_CHECKING:
    from napari_sr.engine.backends.interface import Backend
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Prepared:
    """A run whose settings were checked and that fits into memory."""

    layout: Layout
    network: Network
    settings: Settings
    plan: Plan
    backend: Backend
    doubt: str
    """Reason why the run does not use the requested device; "" if it does."""
    began: float = field(default_factory=time.monotonic)
    launched: dict[str, int] = field(default_factory=launched)
    """Number of kernel launches before the run."""


def prepare(
    layout: Layout,
    network: Network,
    settings: Settings,
    *,
    lazy: bool,
    waits: bool = False,
    shards: bool = False,
    size: tuple[int, int] | None = None,
) -> Prepared:
    """Check settings and choose plan and engine, before anything is read.

    Parameters
    ----------
    layout : Layout
        Layout of the image, or of the planes whose results are in memory together.
    network : Network
        Network to run.
    settings : Settings
        Settings of the run.
    lazy : bool
        Whether planes are read one at a time; otherwise the image is in memory already.
    waits : bool
        Whether the run waits until its engine is ready; see `compiled_for`.
    shards : bool
        Whether the result is written to files shard by shard, instead of staying in memory.
    size : (int, int), optional
        As for `make_plan`.

    Raises
    ------
    ValueError
        If a setting is wrong.
    OutOfMemoryError
        If the run does not fit into memory, or the features between its stages do not fit into
        memory and disk.
    """
    check_outliers(settings.outliers, layout.dtype)
    fitting = partial(_plan_in_memory, layout, network, size=size, lazy=lazy, shards=shards)
    plan = fitting(settings)
    doubt = ""
    if plan.device.type in CHECKED:
        settings, doubt = trusted_settings(network, layout.channels, plan, settings)
        plan = fitting(settings)
    backend = compiled_for(settings, plan, network, layout.channels, waits=waits) or Graphs()
    return Prepared(layout, network, settings, plan, backend, doubt)


def _plan_in_memory(
    layout: Layout,
    network: Network,
    settings: Settings,
    *,
    size: tuple[int, int] | None,
    lazy: bool,
    shards: bool,
) -> Plan:
    """Return a plan of the run that fits into memory."""
    plan = make_plan(layout, network, settings, size)
    free = free_memory(torch.device("cpu"))
    plan = fit_to_memory(layout, plan, network, free, lazy=lazy, shards=shards)
    if plan.spilled_bytes or plan.ensemble:
        _check_scratch(plan.spilled_bytes, network)
    return plan


def _check_scratch(needed: int, network: Network) -> None:
    """Check that there is room for the features that stages store for later stages."""
    folder = check_scratch_folder()
    memory, disk = memory_for_features(), max(psutil.disk_usage(folder).free - LEFT_FREE, 0)
    if needed > memory + disk:
        raise OutOfMemoryError(
            f"{network.title} reads whole planes, and {in_words(needed)} of features of one plane "
            f"do not fit into {in_words(memory)} of memory and {in_words(disk)} of {folder}: set "
            f"{FOLDER} to a folder on a larger disk, choose half precision, upscale a region of "
            "the image, or choose a network with a limited receptive field"
        )
