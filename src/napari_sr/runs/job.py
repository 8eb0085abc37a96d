"""Run a request in a form's worker, and describe each step: download, load, read, upscale."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_sr.runs import cache
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.fetch import fetch_steps
from napari_sr.runs.run import Request, Result, Shown, run_request, translate
from napari_sr.runs.source import Source, read_pixels
from napari_sr.runs.words import is_ours, no_memory, size_in_words

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.graph.network import Network
    from napari_sr.runs.model import ModelReference


class UpscaleError(Exception):
    """Replacement for a RuntimeError or MemoryError of a run.

    napari's workers do not report RuntimeErrors, and messages of MemoryErrors are empty or NumPy's.
    """


@dataclass(frozen=True)
class Step:
    """Progress of a run."""

    done: int
    total: int
    """`done` and `total` count the units of work that `doing` describes; `total` is 0 if
    unknown."""
    doing: str
    """Description of the current activity."""
    seconds_left: float | None = None
    """Estimated seconds left; None if unknown."""


def run(request: Request, partial: PartialResult | None = None) -> Generator[Step, None, Upscaled]:
    """Run a request; yield at least once per tile. Closing the generator cancels and frees memory.

    Parameters
    ----------
    request : Request
        The request to run.
    partial : PartialResult, optional
        Receives the result, so that finished pixels are not lost if the run is cancelled.

    Raises
    ------
    UpscaleError
        In place of a RuntimeError, and of a MemoryError that the engine did not raise.
    ValueError
        If the image, a setting or a checkpoint is wrong.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    return (yield from named_errors(_run(request, partial), request.model.label))


def named_errors(
    steps: Generator[Shown, None, Result], name: str
) -> Generator[Shown, None, Result]:
    """Run a generator; replace errors that napari would not report by `UpscaleError` with a name.

    Parameters
    ----------
    steps : generator
        The generator to run. It is always closed at the end, also after an error.
    name : str
        Name of what failed, such as the model, for the error's message.
    """
    try:
        with closing(steps):
            return (yield from steps)
    except RuntimeError as error:
        raise UpscaleError(f"{name} stopped: {error}") from error
    except MemoryError as error:
        if is_ours(error):
            raise
        raise UpscaleError(f"{name} stopped: {no_memory(error)}") from error


def loaded(model: ModelReference) -> Generator[Step, None, Network]:
    """Download and load a model, and return its network.

    Raises
    ------
    ValueError
        If a checkpoint is wrong.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    for entry in model.entries:
        yield from translate(fetch_steps(entry), _downloading)
    yield Step(0, 0, "Loading the model …")
    return cache.load(model)


def _run(request: Request, partial: PartialResult | None) -> Generator[Step, None, Upscaled]:
    network = yield from loaded(request.model)
    source = request.image
    if not isinstance(source, Source):
        found = yield from translate(run_request(request, network, partial), _upscaling)
        return replace(found, record=with_consistency(found.record, source, *_result(found)))
    pixels = source.data
    if request.region is None:
        pixels = yield from translate(read_pixels(source), _reading)
        request = replace(request, image=pixels)
    steps = run_request(request, network, partial)
    try:
        result = yield from translate(steps, _upscaling)
    finally:
        if partial is not None:
            partial.record |= source.record
    # without a region, `pixels` is just the part that was upscaled
    part = source.record if request.region is not None else {}
    record = with_consistency({**result.record, **part}, pixels, *_result(result))
    return replace(result, record={**record, **source.record})


def _result(found: Upscaled) -> tuple[NDArray[Any], str]:
    return found.pixels, found.axes


def _downloading(size: tuple[int, int]) -> Step:
    done, total = size
    return Step(done, total, f"Downloading: {size_in_words(done)} of {size_in_words(total)}")


def _reading(planes: tuple[int, int]) -> Step:
    done, total = planes
    return Step(done, total, f"Reading the layer: plane {done} of {total}")


def _upscaling(progress: Progress) -> Step:
    note = f" ({progress.message})" if progress.message else ""
    doing = f"Upscaling: tile {progress.done} of {progress.total}{note}"
    return Step(progress.done, progress.total, doing, progress.seconds_left)
