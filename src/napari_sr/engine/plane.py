"""Upscale one plane of an image: whole, in stages, or in tiles that overlap.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from napari_sr.engine.colour import chain_for
from napari_sr.engine.devices import OutOfMemoryError, is_out_of_memory, release
from napari_sr.engine.features import Features, budget_in_memory, scaled
from napari_sr.engine.graphs import Graphs
from napari_sr.engine.guards import Bounds, Findings, fill_missing
from napari_sr.engine.plan import Plan, structure_of
from napari_sr.engine.staged import UntrustedError, Work, run_stages
from napari_sr.models._chain import run, with_one_writer_each
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.arrays import Layout, ValueRange
    from napari_sr.engine.stages import Stages
    from napari_sr.engine.tiling import Tile
    from napari_sr.models._chain import Chain
    from napari_sr.models._network import Network


MOST_GRAPHS = 4
"""Shapes of tiles that one run meets are few, and each graph holds a tile's memory."""


@dataclass(frozen=True)
class Progress:
    """Told after every tile."""

    done: int
    total: int
    message: str = ""
    """Not empty where the user should know something."""


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
    graphs: Graphs = field(default_factory=lambda: Graphs(most=MOST_GRAPHS))
    """Whole tiles as the GPU repeats them in one go, one for each shape."""

    def chain(self, plan: Plan, precision: torch.dtype) -> Chain:
        """Return the chain of the network on the device, in a precision."""
        if precision not in self.chains:
            here = placed(self.network, plan.device, precision)
            self.chains[precision] = with_one_writer_each(chain_for(here, self.layout.channels))
        return self.chains[precision]


Steps: TypeAlias = Generator[tuple[Progress, Plan], None, None]


def placed(network: Network, device: torch.device, precision: torch.dtype) -> Network:
    """Return the network on a device in a precision: itself where it is there already."""
    weight = next(network.parameters(), None)
    if weight is None:  # it computes wherever the image lies
        return network
    here = device.index in (None, weight.device.index) and weight.device.type == device.type
    if here and weight.dtype == precision and not network.training:
        return network
    moved = copy.deepcopy(network).to(device=device, dtype=precision).eval()
    if device.type == "cuda" and precision != torch.float32:
        # matrix units and our kernels want channels fastest; the features follow the weights
        moved.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def upscale_plane(job: Job, plan: Plan, index: tuple[int, ...], pixels: NDArray[Any]) -> Steps:
    """Upscale one plane into the output; yield after every tile, with the plan in force.

    Where memory runs out, the plane begins again with tiles of half the side; where half
    precision cannot hold what the stages of a network hand on, it begins again in float32.

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
    plane = _Plane(job, index, pixels, plan)
    message, now = "", plan
    while True:
        again: Plan | None = None
        try:
            for done in plane.steps(now):
                said = "; ".join(part for part in (message, plane.said()) if part)
                message = ""
                yield Progress(done, now.count, said), plan
        except UntrustedError:
            job.findings.recomputed += 1
            structure = structure_of(job.network, job.layout.channels, torch.float32)
            again = replace(now, precision=torch.float32, structure=structure)
            told = "half precision failed, so that the plane is computed again in float32"
        except (RuntimeError, MemoryError) as error:
            again = plan = _smaller(now, error)
            told = f"out of memory with tiles of {now.side} px: going on with {again.side} px"
        if again is None:
            return
        job.graphs.close()
        release(now.device)
        message = "; ".join(part for part in (message, told) if part)
        now = again


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


class _Plane:
    """One plane on its way.

    Parameters
    ----------
    job, index, pixels, plan
        As in `upscale_plane`.
    """

    def __init__(self, job: Job, index: tuple[int, ...], pixels: NDArray[Any], plan: Plan) -> None:
        self._job = job
        self._index = index
        colour = pixels[..., None] if pixels.ndim == 2 else pixels
        filled, self._missing = fill_missing(colour)
        if self._missing is not None:
            job.findings.masked += int(self._missing.any(axis=-1).sum())
        ends = np.array([filled[..., :3].min(), filled[..., :3].max()])
        self._bounds = Bounds.of(job.values.encode(ends))
        missing = (plan.height - filled.shape[0], plan.width - filled.shape[1])
        if any(missing):
            filled = np.pad(filled, [*((0, more) for more in missing), (0, 0)], mode="reflect")
        self._pixels = filled
        self._said: list[str] = []
        self._untrusted = ""

    def said(self) -> str:
        """Return what the user should know since it was last asked."""
        said, self._said = self._said, []
        return "; ".join(said)

    def steps(self, plan: Plan) -> Generator[int, None, None]:
        """Compute all tiles; yield after each how many are done."""
        if plan.staged is None:
            for done, tile in enumerate(plan.tiles, start=1):
                self._at_once(plan, tile)
                yield done
            return
        yield from self._in_stages(plan, plan.staged)

    def _in_stages(self, plan: Plan, stages: Stages) -> Generator[int, None, None]:
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
            chain=self._job.chain(plan, plan.precision),
            device=plan.device,
            read=self._read,
            write=self._write,
            features=features,
            float32=float32,
            kernels=self._job.kernels,
        )
        if len(stages.all) == 1 and not float32:
            work.careful = self._job.chain(plan, torch.float32)
        try:
            yield from run_stages(work)
        finally:
            features.close()

    def _at_once(self, plan: Plan, tile: Tile) -> None:
        """Take one tile through the whole network, in float32 where that is needed."""
        small = self._read(tile.rows.read, tile.columns.read).to(plan.device)
        try:
            with use_kernels(self._job.kernels):
                large = self._run(self._job.chain(plan, plan.precision), small)
            self._keep(tile, large, plan.precision == torch.float32)
        except UntrustedError:
            with use_kernels("reference"):
                large = run(self._job.chain(plan, torch.float32), small)
            self._keep(tile, large, True)

    def _run(self, chain: Chain, small: Tensor) -> Tensor:
        """Run a chain on a tile, as a CUDA graph from the second tile of its shape on."""
        key = ("whole", id(chain))
        # no closure: an error's traceback would keep it, and with it the network
        [large] = self._job.graphs.run(key, partial(_run_whole, chain), (small,))
        return large

    def _keep(self, tile: Tile, large: Tensor, float32: bool) -> None:
        """Write what a tile keeps of its result."""
        scale = self._job.network.scale
        rows, columns = (scaled(span.crop, scale) for span in (tile.rows, tile.columns))
        self._write(tile.rows.keep, tile.columns.keep, large[..., rows, columns], float32)

    def _read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the image, (1, C, rows, columns) in float32."""
        block = self._job.values.encode(self._pixels[rows, columns])
        return torch.from_numpy(block).permute(2, 0, 1)[None].contiguous()

    def _write(self, rows: slice, columns: slice, large: Tensor, float32: bool) -> None:
        """Put a part of the result, (1, C, S * rows, S * columns), into the output."""
        job, where = self._job, f"y={rows.start}, x={columns.start}"
        outside = self._bounds.outside(large[:, :3])
        if outside.any():
            if not float32:
                self._untrusted = where
                raise UntrustedError(where)
            if not torch.isfinite(large).all():
                raise ValueError(f"the network returned NaN or infinite values at {where}")
            job.findings.note(where, int(outside.sum()))
            large = torch.cat(
                (self._bounds.corrected(large[:, :3], job.outliers), large[:, 3:]), dim=1
            )
        if self._untrusted == where:
            self._untrusted = ""
            job.findings.recomputed += 1
            self._said.append(
                f"half precision failed in the tile at {where}, which was computed in float32"
            )
        values = large[0].permute(1, 2, 0).cpu().numpy()
        result = job.values.decode(values, job.output.dtype)
        # padding by reflection, where there was any, ends at the image's own size
        bottom = min(rows.stop * job.network.scale, job.larger.height)
        right = min(columns.stop * job.network.scale, job.larger.width)
        target = (
            slice(rows.start * job.network.scale, bottom),
            slice(columns.start * job.network.scale, right),
        )
        result = result[: bottom - target[0].start, : right - target[1].start]
        if self._missing is not None:
            missing = self._missing[rows, columns]
            for axis in (0, 1):
                missing = missing.repeat(job.network.scale, axis)
            result[missing] = np.nan
        job.larger.write(
            job.output, self._index, *target, result if job.layout.samples else result[..., 0]
        )
