"""One run, as a generator that a worker drives: fetch the model, load it, read, upscale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.engine.planning.settings import Settings
from napari_sr.runs import cache
from napari_sr.runs.drive import translate
from napari_sr.runs.words import is_ours, no_memory, size_in_words
from napari_sr.widgets.common.download import fetch_steps
from napari_sr.widgets.common.source import Source, read_pixels
from napari_sr.widgets.upscale.result import with_record

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.graph.network import Network
    from napari_sr.runs.model_list import Choice


class UpscaleError(Exception):
    """A RuntimeError of a run, by another class: napari's workers lose RuntimeErrors.

    A MemoryError as well, whose own words say nothing, or only NumPy's.
    """


@dataclass(frozen=True)
class Job:
    """All that a run needs; nothing in it belongs to the GUI thread."""

    source: Source
    choice: Choice
    settings: Settings = field(default_factory=Settings)
    arguments: dict[str, Any] = field(default_factory=dict)
    """Of `add_image`, for the result."""
    afterwards: dict[str, Any] = field(default_factory=dict)
    """Attributes of the result's layer that are set once it exists."""


@dataclass(frozen=True)
class Step:
    """How far a run has come."""

    done: int
    total: int
    """0 where it is not known."""
    doing: str
    """What is being done, in words."""
    seconds_left: float | None = None
    """None where it is not known."""


@dataclass(frozen=True)
class Result:
    """What a run returns: pixels, and keyword arguments for `add_image`."""

    pixels: NDArray[Any]
    arguments: dict[str, Any]
    notes: tuple[str, ...] = ()
    """What the user should know of the run, in words."""
    afterwards: dict[str, Any] = field(default_factory=dict)
    """Attributes to set once the layer exists."""


def run(job: Job) -> Generator[Step, None, Result]:
    """Run a job; yield at least once per tile. Closing it cancels and frees memory.

    Raises
    ------
    UpscaleError
        In place of any RuntimeError or MemoryError.
    ValueError
        If the image, a setting or a checkpoint is wrong.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If not even the smallest tile fits.
    """
    try:
        return (yield from _run(job))
    except RuntimeError as error:
        raise UpscaleError(f"{job.choice.label} stopped: {error}") from error
    except MemoryError as error:
        if is_ours(error):
            raise
        raise UpscaleError(f"{job.choice.label} stopped: {no_memory(error)}") from error


def _run(job: Job) -> Generator[Step, None, Result]:
    reference = job.choice.reference
    for entry in reference.entries:
        for done, total in fetch_steps(entry):
            how_far = f"{size_in_words(done)} of {size_in_words(total)}"
            yield Step(done, total, f"Downloading: {how_far}")
    yield Step(0, 0, "Loading the model …")
    network = cache.load(reference)
    pixels = yield from _read(job.source)
    return (yield from _upscaled(job, pixels, network))


def _read(source: Source) -> Generator[Step, None, NDArray[Any]]:
    def words(planes: tuple[int, int]) -> Step:
        done, total = planes
        return Step(done, total, f"Reading the layer: plane {done} of {total}")

    return (yield from translate(read_pixels(source), words))


def _upscaled(job: Job, pixels: NDArray[Any], network: Network) -> Generator[Step, None, Result]:
    from napari_sr.engine.execution.upscale import upscale_array

    def words(progress: Progress) -> Step:
        note = f" ({progress.message})" if progress.message else ""
        doing = f"Upscaling: tile {progress.done} of {progress.total}{note}"
        return Step(progress.done, progress.total, doing, progress.seconds_left)

    steps = upscale_array(pixels, network, job.settings, axes=job.source.axes)
    upscaled = yield from translate(steps, words)
    ran: dict[str, Any] = upscaled.record
    arguments = with_record(job.arguments, _record(job, network, ran))
    return Result(upscaled.pixels, arguments, tuple(ran["notes"]), job.afterwards)


def _record(job: Job, network: Network, ran: dict[str, Any]) -> dict[str, Any]:
    return {
        **getattr(network, "provenance", {}),
        **ran,
        "source": job.source.name,
        "plane": job.source.plane,
    }
