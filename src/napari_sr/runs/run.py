"""A request to upscale, the generator that runs it, and functions that drive generators."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs import cache
from napari_sr.runs.source import Source, read_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference

Yielded = TypeVar("Yielded")
Shown = TypeVar("Shown")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """An image, a model and settings, from a script, a command or a form."""

    image: ArrayLike | Source
    """An array, or the pixels of a layer."""
    model: ModelReference
    settings: Settings = field(default_factory=Settings)
    axes: str | None = None
    """One letter per axis, such as "TZYX"; None to guess, as `napari_sr.upscale` does."""
    region: Region | None = None
    """The rows and columns of each plane to upscale; None for all."""


def run_request(
    request: Request, network: Network | None = None, partial: PartialResult | None = None
) -> Generator[Progress, None, Upscaled]:
    """Upscale an image; yield at least once per tile.

    Closing the generator cancels the run and frees its memory.

    Parameters
    ----------
    request : Request
        The request to run.
    network : Network, optional
        The request's model if it is already loaded.
    partial : PartialResult, optional
        Receives the result, so that finished pixels are not lost if the run is cancelled.

    Returns
    -------
    Upscaled
        The result; its `record` also names the model.

    Raises
    ------
    ValueError
        If the image, its axes, the model or a setting is wrong.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    network = cache.load(request.model) if network is None else network
    image = request.image
    if partial is not None:
        about = image.record if isinstance(image, Source) else {}
        partial.record = {**network.provenance, **about}
    result = yield from _steps(request, network, partial)
    source = image.record if isinstance(image, Source) else _about(image, result.axes)
    return replace(result, record={**network.provenance, **result.record, **source})


def _about(image: ArrayLike, axes: str) -> dict[str, object]:
    """Return a record's entries about an array."""
    shape = tuple(int(size) for size in image.shape)
    return {"source_shape": shape, "source_dtype": str(np.dtype(image.dtype)), "axes": axes}


def _steps(
    request: Request, network: Network, partial: PartialResult | None
) -> Generator[Progress, None, Upscaled]:
    from napari_sr.engine.execution.region import upscale_region  # both import torch
    from napari_sr.engine.execution.upscale import upscale_array

    image, settings, region = request.image, request.settings, request.region
    if region is not None:
        pixels = image.pixels if isinstance(image, Source) else image
        return upscale_region(pixels, network, region, settings, axes=request.axes, partial=partial)
    pixels = drive(read_pixels(image)) if isinstance(image, Source) else image
    return upscale_array(pixels, network, settings, axes=request.axes, partial=partial)


class Whole(Generic[Yielded, Result]):
    """Iterates over a generator, and keeps its return value."""

    result: Result
    """The generator's return value."""

    def __init__(self, steps: Generator[Yielded, None, Result]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Yielded]:
        self.result = yield from self._steps


def drive(
    steps: Generator[Yielded, None, Result], show: Callable[[Yielded], object] | None = None
) -> Result:
    """Run a generator to its end, and return its result.

    Parameters
    ----------
    steps : generator
        The generator to run. It is always closed at the end, also after an error.
    show : callable, optional
        Called with each value that the generator yields.
    """
    whole = Whole(steps)
    with closing(steps):
        for step in whole:
            if show is not None:
                show(step)
    return whole.result


def translate(
    steps: Generator[Yielded, None, Result], words: Callable[[Yielded], Shown]
) -> Generator[Shown, None, Result]:
    """Yield `words(step)` for each step of a generator; return what the generator returns.

    Parameters
    ----------
    steps : generator
        The generator to run. It is always closed at the end, also after an error.
    words : callable
        Called with each value that the generator yields.
    """
    whole = Whole(steps)
    with closing(steps):
        for step in whole:
            yield words(step)
    return whole.result
