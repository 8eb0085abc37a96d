"""A forecast of a run's result, memory and time, in one line of text."""

from __future__ import annotations

import functools
import math
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.digits import counted
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs import cache
from napari_sr.runs.first_look import look_for_infinity
from napari_sr.runs.source import Source
from napari_sr.runs.words import shape_in_words, size_in_words, time_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.planning.estimate import Estimate
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.run import Request

ENGINES = {"torch": "PyTorch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
"""Names of engines in words."""
OVERHEAD = 0.15
"""The forecast does not mention extra work of tiles up to this share of the work of one tile."""
PYRAMID = 4 / 3
"""Size of a folder with all pyramid levels, as a multiple of the result, without compression."""
WORTH_REPORTING = 100e6
"""The forecast mentions intermediate results that are stored outside the device if their size in
bytes is larger than this."""


@dataclass(frozen=True)
class Forecast:
    """Size, memory and time of a run that has not started."""

    shape: tuple[int, ...]
    """Shape of the result."""
    size: int
    """Size of the result in bytes."""
    estimate: Estimate | None
    """Memory and time; None if the model is not downloaded yet."""
    engine: str = "torch"
    """The engine that will probably be used."""
    lacking: int | None = None
    """Free memory in bytes, if result and source do not fit into it; otherwise None."""
    free_disk: int | None = None
    """Free space in bytes where the result is written; None for a result in memory."""
    count: int = 1
    """Number of results; `shape` is that of the first, `size` and `estimate` are for all."""
    spread: int = 0
    """Size in bytes of the spread, which is a part of `size`; 0 if it is not computed."""

    @property
    def fits(self) -> bool:
        """Whether the result fits into memory."""
        return self.lacking is None

    @property
    def sentence(self) -> str:
        """The line that the form shows."""
        what = f"Result: {shape_in_words(self.shape)}"
        if self.count > 1:
            what = f"{self.count} results"
        more = f" including {size_in_words(self.spread)} for the spread" if self.spread else ""
        result = f"{what}, {size_in_words(self.size)}{more}.{self._where}"
        if self.free_disk is None and not self.fits:
            return result
        if self.estimate is None:
            return f"{result} Run asks before it downloads the model."
        tiles = counted(self.estimate.tiles, "tile")
        needs = f"Takes about {size_in_words(self.estimate.working_bytes)} of memory"
        if self.estimate.seconds is not None:
            needs += f" and {time_in_words(self.estimate.seconds)}"
        needs += f" with {ENGINES[self.engine]}"
        count = self.estimate.orientations
        views = f" over {count} views" if count > 1 else ""
        where = f"in {tiles} of {self.estimate.tile} px{views}"
        return f"{result} {needs}, {where}{self._price_of_tiles}."

    @property
    def _where(self) -> str:
        """Return a sentence on where the result is stored, and whether it fits there."""
        words = ""
        if self.lacking is not None:
            words = f" It does not fit into the {size_in_words(self.lacking)} of free memory."
        if self.free_disk is None:
            return words
        needed, free = size_in_words(PYRAMID * self.size), size_in_words(self.free_disk)
        few = "only " if PYRAMID * self.size > self.free_disk else ""
        return f"{words} The folder takes up to {needed}; {few}{free} are free."

    @property
    def _price_of_tiles(self) -> str:
        """Return notes on the extra time of tiles, space for intermediate results, and seams."""
        estimate, words = self.estimate, ""
        if estimate is not None and estimate.overhead > OVERHEAD:
            one = "one tile" if estimate.orientations == 1 else "one tile per view"
            words += f", which takes {estimate.overhead:.0%} longer than {one} would"
        if estimate is not None and estimate.spilled_bytes > WORTH_REPORTING:
            size = size_in_words(estimate.spilled_bytes)
            words += f"; {size} of intermediate results are stored in memory or files"
        if estimate is not None and not estimate.exact:
            words += "; the tiles may leave seams"
        return words


def forecast(request: Request, folder: Path | None = None) -> Forecast:
    """Return the forecast of a run. It may load a model, which is too slow for the GUI thread.

    Parameters
    ----------
    request : Request
        Image, model and settings.
    folder : Path, optional
        An existing folder that will hold the result; by default, the result stays in memory.

    Raises
    ------
    PixelError
        If a layer has infinite values.
    ValueError
        If a setting is wrong, for instance a tile that is too small.
    """
    image, model = request.image, request.model
    if isinstance(image, Source) and request.region is None:
        look_for_infinity(image)
    network = None if model.missing else cache.load_checked(model)
    scale = model.known_factor or (1 if network is None else network.factor)
    layout = _layout(request, network)
    shape = layout.enlarged(scale).shape
    spread = math.prod(shape) * np.float32().itemsize if request.settings.spread else 0
    size = math.prod(shape) * layout.dtype.itemsize + spread
    disk = None if folder is None else shutil.disk_usage(folder).free
    told = Forecast(shape, size, None, "torch", _lacking(request, size), disk, spread=spread)
    if network is None:
        return told
    plan = _plan(layout, network, request.settings, folder)
    estimate, engine = _estimate(request, network, *plan)
    return replace(told, estimate=estimate, engine=engine)


def forecast_all(requests: Sequence[Request], folder: Path | None = None) -> Forecast:
    """Return one forecast for several runs, one after the other.

    Parameters
    ----------
    requests : sequence of Request
        Requests of the runs, all with one model.
    folder : Path, optional
        As for `forecast`.

    Raises
    ------
    PixelError, ValueError
        As for `forecast`, for the first request that is wrong.
    """
    told = [forecast(request, folder) for request in requests]
    size = sum(one.size for one in told)
    lacking = next((one.lacking for one in told if not one.fits), None)
    if lacking is None:
        lacking = _lacking(requests[0], size)
    return replace(
        told[0],
        size=size,
        estimate=_sum([one.estimate for one in told]),
        lacking=lacking,
        count=len(told),
        spread=sum(one.spread for one in told),
    )


def _sum(estimates: list[Estimate | None]) -> Estimate | None:
    """Return the time and tiles of all runs together, and the memory of the largest."""
    known = [one for one in estimates if one is not None]
    if len(known) < len(estimates):
        return None
    seconds = [one.seconds for one in known if one.seconds is not None]
    return replace(
        max(known, key=lambda one: one.working_bytes),
        tiles=sum(one.tiles for one in known),
        seconds=sum(seconds) if len(seconds) == len(known) else None,
    )


def _layout(request: Request, network: Network | None = None) -> Layout:
    """Return the layout of the pixels to upscale, with the type of the network's result."""
    layout = layout_of(request.image.shape, request.image.dtype, request.axes)
    if network is not None and network.processing is not None:
        layout = layout.as_floats
    return layout if request.region is None else layout.resized(request.region.size)


def _lacking(request: Request, size: int) -> int | None:
    """Return the free memory if result and source do not fit into it, or else None."""
    image = request.image
    data = image.data if isinstance(image, Source) else image
    needed = math.prod(image.shape) * np.dtype(image.dtype).itemsize
    source = 0 if type(data) is np.ndarray else needed
    free = int(psutil.virtual_memory().available)
    return None if size + source <= free else free


def _plan(
    layout: Layout, network: Network, settings: Settings, folder: Path | None
) -> tuple[Layout, Plan]:
    """Return the layout of all planes or blocks to compute, and the plan for one of them."""
    from napari_sr.engine.planning.block_size import usual_grid
    from napari_sr.engine.planning.plan import make_plan

    if folder is None:
        return layout, make_plan(layout, network, settings)
    grid = usual_grid(layout, network, settings)
    size = grid.block(0).extended.size
    shape = (grid.count, *size, *([layout.channels] if layout.samples else []))
    layout = layout_of(shape, layout.dtype, "BYXS"[: len(shape)])
    return layout, make_plan(layout, network, settings, size)


def _estimate(
    request: Request, network: Network, layout: Layout, plan: Plan
) -> tuple[Estimate, str]:
    """Return the memory and time of a run, and the engine that will probably be used."""
    from napari_sr.engine.backends.choice import expected_engine
    from napari_sr.engine.planning.estimate import estimate

    settings = request.settings
    engine, gain = expected_engine(settings, plan, network, layout.channels)
    # a blend takes as long as each of its networks
    first = replace(request.model, second=None, weight=0.0)
    plain = Settings(device=settings.device, precision=settings.precision, kernels=settings.kernels)
    return estimate(layout, plan, network, speed=gain * _speed(plain, first)), engine


@functools.lru_cache(maxsize=64)
def _speed(settings: Settings, reference: ModelReference) -> float:
    from napari_sr.engine.planning.estimate import measure_speed

    return measure_speed(cache.load(reference), settings)  # with its corrections, if any
