"""Upscale one plane of an image; compute it again if memory runs out or half precision fails.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import torch

from napari_sr.engine.execution.context import Progress, RunContext, UntrustedError
from napari_sr.engine.execution.ensemble import OrientedPlane, oriented_planes
from napari_sr.engine.execution.feature_store import FeatureStore
from napari_sr.engine.execution.plane_output import PlaneOutput
from napari_sr.engine.execution.stage_runner import run_stages
from napari_sr.engine.execution.tile import StageContext
from napari_sr.engine.planning.devices import (
    OutOfMemoryError,
    is_out_of_memory,
    memory_for_features,
    release,
)
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.plan import Plan
from napari_sr.layers.colour import values_for

if TYPE_CHECKING:
    from napari_sr.engine.execution.context import Plane
    from napari_sr.engine.image.conversion import Filled


Steps: TypeAlias = Generator[tuple[Progress, Plan], None, None]


def upscale_plane(
    run_context: RunContext, plan: Plan, index: tuple[int, ...], pixels: Filled
) -> Steps:
    """Upscale one plane into the output; yield after every tile, with the current plan.

    If memory runs out, the plane is computed again with tiles of half the side. If half precision
    cannot represent the features stored between stages, the plane is computed again in float32. In
    an ensemble, only the orientation that failed is computed again.

    Parameters
    ----------
    run_context : RunContext
        State that all planes share.
    plan : Plan
        Plan to start with.
    index : tuple of int
        Index of the plane along the looped axes.
    pixels : Filled, (H, W, C)
        Pixels of the image.

    Raises
    ------
    OutOfMemoryError
        If not even the smallest tile fits.
    ValueError
        If the network returns NaN or infinity in float32.
    """
    noise = run_context.noise[min(pixels.channel, len(run_context.noise) - 1)]
    plane_output = PlaneOutput(run_context, index, pixels, (plan.height, plan.width))
    run = _Run(run_context, plan, noise)
    with closing(plane_output), closing(_oriented(plane_output, plan)) as planes:
        for before, plane in enumerate(planes):
            for done in run.steps(plane, before):
                current = run.plan
                share = (before + _share(current.each[before], done)) / current.orientations
                message = run.message(plane_output)
                tiles = sum(current.counts[:before]) + int(done)
                yield Progress(tiles, current.count, message, share), run.next_plan


def _share(plan: Plan, done: float) -> float:
    """Return the share of the work in one orientation that is done after `done` tiles."""
    tiles = int(done)
    share = float(plan.shares[tiles - 1]) if tiles else 0.0
    if tiles < done:  # a part of the next tile is done, too
        share += (done - tiles) * (float(plan.shares[tiles]) - share)
    return share


def _oriented(
    plane_output: PlaneOutput, plan: Plan
) -> Generator[PlaneOutput | OrientedPlane, None, None]:
    """Yield the plane itself, or each orientation of it for an ensemble."""
    if plan.ensemble:
        yield from oriented_planes(plane_output, (plan.height, plan.width))
    else:
        yield plane_output


class _Run:
    """The run of one plane in all its orientations.

    Parameters
    ----------
    run_context, plan
        As in `upscale_plane`.
    noise : float
        Level of the plane's noise, where white is 1.
    """

    def __init__(self, run_context: RunContext, plan: Plan, noise: float) -> None:
        self._run_context, self._noise = run_context, noise
        self.plan = plan
        """Current plan."""
        self.next_plan = plan
        """Plan for the next planes."""
        self._message = ""

    def message(self, plane_output: PlaneOutput) -> str:
        """Return all messages for the user that are new since the last call."""
        message = "; ".join(part for part in (self._message, *plane_output.notes) if part)
        self._message = ""
        plane_output.notes.clear()
        return message

    def steps(
        self, plane: PlaneOutput | OrientedPlane, number: int
    ) -> Generator[float, None, None]:
        """Upscale the plane in one orientation, given its number; yield how many tiles are done."""
        run_context = self._run_context
        while True:
            try:
                plane.reset()
                yield from _steps(run_context, self.plan.each[number], plane, self._noise)
                return
            except UntrustedError:
                run_context.diagnostics.recomputed += 1
                network_profile = profile_of(
                    run_context.network, run_context.layout.channels, torch.float32
                )
                self.plan = replace(
                    self.plan, precision=torch.float32, network_profile=network_profile
                )
                message = "half precision failed, so the plane is computed again in float32"
            except OutOfMemoryError:
                raise  # stages store as much with smaller tiles
            except (RuntimeError, MemoryError) as error:
                before = self.plan.side
                self.plan = self.next_plan = _smaller(self.plan, error)
                message = (
                    f"out of memory with tiles of {before} px: continuing with tiles of "
                    f"{self.plan.side} px"
                )
            run_context.backend.reset()
            release(self.plan.device, after_error=True)
            self._message = "; ".join(part for part in (self._message, message) if part)


def _smaller(plan: Plan, error: Exception) -> Plan:
    """Return a plan with smaller tiles; raise the error if smaller tiles cannot help."""
    if not is_out_of_memory(error):
        raise error
    smaller = plan.halved()
    if smaller is None:
        raise OutOfMemoryError(
            f"not even tiles of {plan.side} px fit into the memory of {plan.device}: choose a "
            f"smaller network or another device ({error})"
        ) from error
    return smaller


def _steps(
    run_context: RunContext, plan: Plan, plane: Plane, noise: float
) -> Generator[float, None, None]:
    """Compute all tiles of a plane in one orientation; yield as `run_stages` does."""
    float32 = plan.precision == torch.float32
    features = FeatureStore(
        plan.height,
        plan.width,
        multiple=plan.multiple,
        # finding the free memory takes as long as a small tile
        budget=memory_for_features() if plan.stages.spilled_bytes else 0,
        channels_last=plan.device.type != "mps",
        turns=plan.stages.take_turns,
    )
    context = StageContext(
        stages=plan.stages,
        chain=run_context.chain(plan, plan.precision),
        plane=plane,
        device=plan.device,
        features=features,
        float32=float32,
        kernels=run_context.kernels,
        backend=run_context.backend,
        values=values_for(run_context.network, noise, plan.device),
    )
    if len(plan.stages.all) == 1 and not float32:
        context.float32_chain = partial(run_context.chain, plan, torch.float32)
    try:
        yield from run_stages(context)
    finally:
        features.close()
