"""Upscale one plane of an image: whole, in stages, or in tiles that overlap.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from napari_sr.engine.execution.feature_store import Features, scaled
from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.execution.plane_output import Canvas, Sheet
from napari_sr.engine.execution.stage_context import UntrustedError, Work
from napari_sr.engine.execution.stage_runner import run_stages
from napari_sr.engine.image.colour import chain_for
from napari_sr.engine.planning.devices import (
    OutOfMemoryError,
    budget_in_memory,
    is_out_of_memory,
    placed,
    release,
)
from napari_sr.engine.planning.network_profile import structure_of
from napari_sr.engine.planning.plan import Plan
from napari_sr.graph.chain import run, with_one_writer_each
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.image.arrays import Layout, ValueRange
    from napari_sr.engine.image.guards import Findings
    from napari_sr.engine.image.orientation import Orientation
    from napari_sr.engine.planning.stage_plan import Stages
    from napari_sr.engine.planning.tiling import Tile
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Progress:
    """Told after every tile."""

    done: int
    total: int
    message: str = ""
    """Not empty where the user should know something."""
    share: float = 0.0
    """Share of the work that is done, 0..1: tiles of different stages take different times."""
    seconds_left: float | None = None
    """Measured from the tiles so far; None where it is not known yet."""


@dataclass(frozen=True)
class Job:
    """What stays the same over all planes of one image."""

    network: Network
    layout: Layout
    output: NDArray[Any]
    larger: Layout
    values: ValueRange
    kernels: str
    outliers: str
    findings: Findings
    chains: dict[torch.dtype, Chain] = field(default_factory=dict)
    """What has been put on the device so far, by precision."""
    graphs: Graphs = field(default_factory=lambda: Graphs())
    """Whole tiles, and segments of stages, as the GPU repeats them in one go."""

    def chain(self, plan: Plan, precision: torch.dtype) -> Chain:
        """Return the chain of the network on the device, in a precision."""
        if precision not in self.chains:
            here = placed(self.network, plan.device, precision)
            self.chains[precision] = with_one_writer_each(chain_for(here, self.layout.channels))
        return self.chains[precision]


Steps: TypeAlias = Generator[tuple[Progress, Plan], None, None]


def upscale_plane(job: Job, plan: Plan, index: tuple[int, ...], pixels: NDArray[Any]) -> Steps:
    """Upscale one plane into the output; yield after every tile, with the plan in force.

    Where memory runs out, the plane begins again with tiles of half the side; where half
    precision cannot hold what the stages of a network hand on, it begins again in float32. Of an
    ensemble, no more than one view begins again, and those before it stay as they are.

    Parameters
    ----------
    job, plan
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
    canvas = Canvas(job, index, pixels, plan.views)
    run = _Run(job, plan)
    try:
        for number, view in enumerate(plan.views, start=1):
            size = (plan.width, plan.height) if view.swapped else (plan.height, plan.width)
            laid = Sheet(canvas, view, number, size)
            before = number - 1
            for done in run.steps(laid, view):
                each = run.now.count // len(run.now.views)
                share = (before + float(run.now.shares[done - 1])) / len(run.now.views)
                told = Progress(before * each + done, run.now.count, run.said(canvas), share)
                yield told, run.following
    finally:
        canvas.close()


class _Run:
    """One plane on its way, in all its views.

    Parameters
    ----------
    job, plan
        As in `upscale_plane`.
    """

    def __init__(self, job: Job, plan: Plan) -> None:
        self._job = job
        self.now = plan
        """In force."""
        self.following = plan
        """For the planes that follow."""
        self._message = ""

    def said(self, canvas: Canvas) -> str:
        """Return what the user should know since it was last asked."""
        said = "; ".join(part for part in (self._message, *canvas.notes) if part)
        self._message = ""
        canvas.notes.clear()
        return said

    def steps(self, sheet: Sheet, view: Orientation) -> Generator[int, None, None]:
        """Upscale the plane as a view lays it; yield after every tile how many are done."""
        job = self._job
        while True:
            try:
                sheet.begin()
                plan = self.now.transposed if view.swapped else self.now
                yield from _steps(job, plan, sheet)
                return
            except UntrustedError:
                job.findings.recomputed += 1
                structure = structure_of(job.network, job.layout.channels, torch.float32)
                self.now = replace(self.now, precision=torch.float32, structure=structure)
                told = "half precision failed, so that the plane is computed again in float32"
            except OutOfMemoryError:
                raise  # of what waits, which smaller tiles do not make smaller
            except (RuntimeError, MemoryError) as error:
                before = self.now.side
                self.now = self.following = _smaller(self.now, error)
                told = f"out of memory with tiles of {before} px: going on with {self.now.side} px"
            job.graphs.close()
            release(self.now.device, after_error=True)
            self._message = "; ".join(part for part in (self._message, told) if part)


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


def _run_whole(chain: Chain, image: Tensor) -> tuple[Tensor]:
    return (run(chain, image),)


def _whole(job: Job, chain: Chain, small: Tensor) -> Tensor:
    """Return the result of a tile, by a CUDA graph from the second small one of its shape on."""
    if not job.graphs.takes(small.device, small.shape[2] * small.shape[3]):
        return run(chain, small)
    # no closure: an error's traceback would keep it, and with it the network
    key, function = ("whole", id(chain)), partial(_run_whole, chain)
    [large] = job.graphs.run(key, function, (small,), borrowed=True)
    return large


def _steps(job: Job, plan: Plan, sheet: Sheet) -> Generator[int, None, None]:
    """Compute all tiles of a plane as it lies; yield after each how many are done."""
    if plan.staged is not None:
        yield from _in_stages(job, plan, plan.staged, sheet)
        return
    for done, tile in enumerate(plan.tiles, start=1):
        _at_once(job, plan, tile, sheet)
        yield done


def _in_stages(job: Job, plan: Plan, stages: Stages, sheet: Sheet) -> Generator[int, None, None]:
    float32 = plan.precision == torch.float32
    features = Features(
        plan.height,
        plan.width,
        multiple=plan.multiple,
        budget=budget_in_memory(),
        channels_last=plan.device.type == "cuda",
    )
    work = Work(
        plan=stages,
        chain=job.chain(plan, plan.precision),
        device=plan.device,
        read=sheet.read,
        write=sheet.write,
        features=features,
        float32=float32,
        kernels=job.kernels,
        graphs=job.graphs,
    )
    if len(stages.all) == 1 and not float32:
        work.careful = job.chain(plan, torch.float32)
    try:
        yield from run_stages(work)
    finally:
        features.close()


def _at_once(job: Job, plan: Plan, tile: Tile, sheet: Sheet) -> None:
    """Take one tile through the whole network, in float32 where that is needed."""
    small = sheet.read(tile.rows.read, tile.columns.read).to(plan.device)
    try:
        chain = job.chain(plan, plan.precision)
        with use_kernels(job.kernels):
            large = _whole(job, chain, small)
        _keep(job, tile, sheet, large, plan.precision == torch.float32)
    except UntrustedError:
        with use_kernels("reference"):
            large = run(job.chain(plan, torch.float32), small)
        _keep(job, tile, sheet, large, True)


def _keep(job: Job, tile: Tile, sheet: Sheet, large: Tensor, float32: bool) -> None:
    """Write what a tile keeps of its result."""
    rows, columns = (scaled(span.crop, job.network.scale) for span in (tile.rows, tile.columns))
    sheet.write(tile.rows.keep, tile.columns.keep, large[..., rows, columns], float32)
