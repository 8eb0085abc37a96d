"""Compile segments, check and time them, in a separate process.

Compilers are native code and may crash. A crash of this process does not end napari, and a segment
that ran here once is safe to load. The job arrives on standard input, so that no pixel is written
to disk. Each segment is tested with its inputs for a part of the user's image. Noise would be an
unfair test, because networks amplify it.

    python -m napari_sr.engine.backends.trial < JOB
"""

from __future__ import annotations

import faulthandler
import io
import os
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import torch

from napari_sr.engine.backends.compilers import COMPILERS, largest_error
from napari_sr.engine.backends.library import (
    Verdict,
    claim,
    folder,
    give_up,
    verdict_of,
    write_verdict,
)
from napari_sr.engine.backends.trials import MOST_SECONDS_EACH
from napari_sr.engine.planning.devices import is_out_of_memory
from napari_sr.engine.planning.segments import Segment, function_of, localised
from napari_sr.graph.chain import Window, with_one_writer_each
from napari_sr.graph.run import planes_before
from napari_sr.layers.colour import chain_for, values_for
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

MOST_ERROR = {"float32": 2e-5, "bfloat16": 2e-2}
"""Largest allowed error for each precision, relative to the largest result. In float32, the
order of sums differs; in bfloat16, each of many layers rounds its result to 8 bits."""
RUNS = 5
REFUSALS: tuple[type[BaseException], ...] = (
    MemoryError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
)
"""Built-in errors that tracing and compilers may raise. Any other error ends this process, which
also counts as a verdict."""
MOST_SECONDS_ALONE = 60.0
"""If the requesting process has ended, this process begins no trial after this many seconds."""
MOST_SECONDS = 2.0
"""The timing of a segment stops after this many seconds, but not before it has run twice. If the
segment's first run and PyTorch's take longer together, the times of these two runs are used."""
NOISE_TRIED = 0.05
"""Level of the noise in trials of networks that take it."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Wanted:
    """One segment to compile."""

    name: str
    """Name of the segment in the library."""
    segment: Segment
    size: tuple[int, int]
    """Height and width of the tiles, in pixels of the image."""


@dataclass(frozen=True)
class Job:
    """The task of this process: segments of one network to try."""

    network: Network
    image: Tensor
    """A part of the image, (1, C, H, W) in 0..1, at least as large as the largest tile."""
    wanted: tuple[Wanted, ...]
    engine: str
    """One of `COMPILERS`."""
    precision: str
    """One of the compiler's `PRECISIONS`."""
    threads: int
    """Number of PyTorch threads in the requesting process."""


class NoRoomError(Exception):
    """Memory or disk is full, which says nothing about the segment."""


def dump(job: Job) -> bytes:
    """Return a job as bytes."""
    buffer = io.BytesIO()
    torch.save(job, buffer)
    return buffer.getvalue()


def main() -> None:
    """Do the job that arrives on standard input."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    parent = int(sys.argv[1]) if len(sys.argv) > 1 else None
    # safe to unpickle, because our own process wrote it
    job = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=False)
    run(job, parent)


def run(job: Job, parent: int | None = None) -> None:
    """Try all segments of a job; write a verdict on each.

    Parameters
    ----------
    job : Job
        Segments to try.
    parent : int, optional
        Id of the requesting process. If it has ended, no trial begins after `MOST_SECONDS_ALONE`.
    """
    began = time.monotonic()
    torch.set_num_threads(job.threads)
    job.network.requires_grad_(False)  # tracing treats weights as constants
    chain = with_one_writer_each(chain_for(job.network, job.image.shape[1]))
    for size in sorted({wanted.size for wanted in job.wanted}):
        here = [wanted for wanted in job.wanted if wanted.size == size]
        image = job.image[..., : size[0], : size[1]].contiguous()
        with torch.inference_mode(), use_kernels("reference"):
            values = values_for(job.network, NOISE_TRIED, image.device)
            for one, known in _with_inputs(here, chain, image, values):
                late = time.monotonic() - began > MOST_SECONDS_ALONE
                if late and parent not in (None, os.getppid()):
                    return
                if verdict_of(one.name) is None and claim(one.name):
                    function = function_of(chain, one.segment)
                    inputs = localised(chain, one.segment, known, Window.whole(*size))
                    try:
                        with _time_limit():
                            verdict = _tried(job, one.name, function, inputs)
                    except NoRoomError:
                        give_up(one.name)  # so that a later session tries again
                        continue
                    write_verdict(one.name, verdict)


def _with_inputs(
    wanted: Sequence[Wanted], chain: Chain, image: Tensor, values: dict[str, Tensor]
) -> Iterator[tuple[Wanted, dict[str, Tensor]]]:
    """Yield each segment with the planes and values that it reads, as soon as all are computed.

    A segment may read planes that are dropped before a value that it also reads is gathered. So
    inputs are collected while the chain runs.
    """
    waiting: list[tuple[Wanted, dict[str, Tensor]]] = [(one, {}) for one in wanted]
    for _, held in planes_before(chain, image, values):
        for one, known in waiting:
            known |= {name: held[name] for name in one.segment.inputs if name in held}
            if len(known) == len(one.segment.inputs):
                yield one, known
        waiting = [(one, known) for one, known in waiting if len(known) < len(one.segment.inputs)]


@contextmanager
def _time_limit() -> Iterator[None]:
    """End this process after `MOST_SECONDS_EACH`, even inside native code that never returns."""
    standard_error = 2  # its number, because `sys.stderr` may be None on Windows
    faulthandler.dump_traceback_later(MOST_SECONDS_EACH, exit=True, file=standard_error)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _tried(
    job: Job, name: str, function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor]
) -> Verdict:
    """Compile, check and time a segment; write it into the library if its results are right."""
    compiler = COMPILERS[job.engine]
    folder().mkdir(parents=True, exist_ok=True)
    try:
        # in a private folder, because another process may be reading the files
        with tempfile.TemporaryDirectory(dir=folder()) as private:
            path = Path(private) / name
            # call it once before tracing, so that actions of the first call are not traced
            expected, first_torch = _timed(lambda: function(*inputs))
            compiler.convert(function, inputs, path)
            compute = compiler.load(path, job.precision, None).start()
            found, first = _timed(lambda: compute(inputs))
            error = largest_error(found, expected)
            del found, expected
            if not error <= MOST_ERROR[job.precision]:
                return Verdict(
                    False, error, why=f"its results differ from PyTorch's by {error:.1e}"
                )
            own, torch_own = 1e3 * first, 1e3 * first_torch
            if first + first_torch < MOST_SECONDS:
                own, torch_own = _times(lambda: compute(inputs), lambda: function(*inputs))
            for suffix in compiler.SUFFIXES:
                os.replace(path.with_suffix(suffix), folder() / f"{name}{suffix}")
        return Verdict(True, error, own, torch_own, engine=job.engine)
    except REFUSALS + compiler.errors() as error:
        if is_out_of_memory(error) or "iostream" in str(error):
            raise NoRoomError(str(error)) from error
        why = f"{type(error).__name__}: {error}"[:300]
        return Verdict(False, why=why, engine=job.engine)


def _times(*calls: Callable[[], object]) -> list[float]:
    """Return the median time of each call in milliseconds; the calls alternate."""
    times: list[list[float]] = [[] for _ in calls]
    began = time.perf_counter()
    while len(times[0]) < RUNS and (
        len(times[0]) < 2 or time.perf_counter() - began < MOST_SECONDS
    ):
        for call, known in zip(calls, times, strict=True):
            known.append(_timed(call)[1])
    return [1e3 * median(known) for known in times]


def _timed(call: Callable[[], Found]) -> tuple[Found, float]:
    """Return what a call returns, and the seconds that it takes."""
    began = time.perf_counter()
    return call(), time.perf_counter() - began


if __name__ == "__main__":
    main()
