"""Upscale one plane of an image, in all its views, again where memory or half precision fail.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from napari_sr.engine.execution.context import Progress, RunContext
from napari_sr.engine.execution.ensemble import OrientedPlane, oriented_planes
from napari_sr.engine.execution.feature_store import Features
from napari_sr.engine.execution.plane_output import PlaneOutput
from napari_sr.engine.execution.stage_runner import run_stages
from napari_sr.engine.execution.tile import StageContext, UntrustedError
from napari_sr.engine.planning.devices import (
    OutOfMemoryError,
    budget_in_memory,
    is_out_of_memory,
    release,
)
from napari_sr.engine.planning.network_profile import profile_of
from napari_sr.engine.planning.plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.engine.execution.tile import Plane


Steps: TypeAlias = Generator[tuple[Progress, Plan], None, None]


def upscale_plane(
    run_context: RunContext, plan: Plan, index: tuple[int, ...], pixels: NDArray[Any]
) -> Steps:
    """Upscale one plane into the output; yield after every tile, with the plan in force.

    Where memory runs out, the plane begins again with tiles of half the side; where half
    precision cannot hold features that wait between stages, it begins again in float32. Of an
    ensemble, only the orientation that failed begins again.

    Parameters
    ----------
    run_context, plan
        What to do, and how.
    index : tuple of int
        Of the plane along the looped axes.
    pixels : array, (H, W) or (H, W, 3 or 4)
        As they are in the image.

    Raises
    ------
    OutOfMemoryError
        If not even the smallest tile fits.
    ValueError
        If the network returns NaN or infinity in float32.
    """
    plane_output = PlaneOutput(run_context, index, pixels, (plan.height, plan.width))
    run = _Run(run_context, plan)
    with closing(plane_output), closing(_views(plane_output, plan)) as views:
        for before, view in enumerate(views):
            for done in run.steps(view):
                now = run.now
                each = now.count // now.views
                share = (before + float(now.shares[done - 1])) / now.views
                message = run.message(plane_output)
                yield Progress(before * each + done, now.count, message, share), run.following


def _views(
    plane_output: PlaneOutput, plan: Plan
) -> Generator[PlaneOutput | OrientedPlane, None, None]:
    """Yield the plane as it is, or in each orientation of an ensemble."""
    if plan.ensemble:
        yield from oriented_planes(plane_output, (plan.height, plan.width))
    else:
        yield plane_output


class _Run:
    """One plane on its way, in all its views.

    Parameters
    ----------
    run_context, plan
        As in `upscale_plane`.
    """

    def __init__(self, run_context: RunContext, plan: Plan) -> None:
        self._run_context = run_context
        self.now = plan
        """In force."""
        self.following = plan
        """For the planes that follow."""
        self._message = ""

    def message(self, plane_output: PlaneOutput) -> str:
        """Return what the user should know since the last call."""
        message = "; ".join(part for part in (self._message, *plane_output.notes) if part)
        self._message = ""
        plane_output.notes.clear()
        return message

    def steps(self, view: PlaneOutput | OrientedPlane) -> Generator[int, None, None]:
        """Upscale the plane in one orientation; yield after every tile how many are done."""
        run_context = self._run_context
        while True:
            try:
                view.begin()
                plan = self.now.transposed if view.swapped else self.now
                yield from _steps(run_context, plan, view)
                return
            except UntrustedError:
                run_context.diagnostics.recomputed += 1
                network_profile = profile_of(
                    run_context.network, run_context.layout.channels, torch.float32
                )
                self.now = replace(
                    self.now, precision=torch.float32, network_profile=network_profile
                )
                message = "half precision failed, so that the plane is computed again in float32"
            except OutOfMemoryError:
                raise  # smaller tiles do not make smaller what waits between stages
            except (RuntimeError, MemoryError) as error:
                before = self.now.side
                self.now = self.following = _smaller(self.now, error)
                message = (
                    f"out of memory with tiles of {before} px: going on with {self.now.side} px"
                )
            run_context.graphs.close()
            release(self.now.device, after_error=True)
            self._message = "; ".join(part for part in (self._message, message) if part)


def _smaller(plan: Plan, error: Exception) -> Plan:
    """Return a plan with smaller tiles, or raise what went wrong."""
    if not is_out_of_memory(error):
        raise error
    smaller = plan.halved()
    if smaller is None:
        raise OutOfMemoryError(
            f"not even tiles of {plan.side} px fit into the memory of {plan.device}: choose a "
            f"smaller network or another device ({error})"
        ) from error
    return smaller


def _steps(run_context: RunContext, plan: Plan, view: Plane) -> Generator[int, None, None]:
    """Compute all tiles of a plane in one orientation; yield after each how many are done."""
    float32 = plan.precision == torch.float32
    features = Features(
        plan.height,
        plan.width,
        multiple=plan.multiple,
        budget=budget_in_memory(),
        channels_last=plan.device.type == "cuda",
    )
    context = StageContext(
        stages=plan.stages,
        chain=run_context.chain(plan, plan.precision),
        plane=view,
        device=plan.device,
        features=features,
        float32=float32,
        kernels=run_context.kernels,
        graphs=run_context.graphs,
    )
    if len(plan.stages.all) == 1 and not float32:
        context.careful = partial(run_context.chain, plan, torch.float32)
    try:
        yield from run_stages(context)
    finally:
        features.close()
