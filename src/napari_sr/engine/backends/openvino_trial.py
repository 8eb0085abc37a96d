"""Compile segments by OpenVINO, check and time them: a process of its own.

OpenVINO is native code: what crashes in it here does not take napari along, and what ran here once
is safe to load. The job comes through standard input, so that no pixel is written to a disk. Each
segment is tried on what the network makes of a part of the user's image: networks of this kind
amplify noise, so that noise would be no fair test.

    python -m napari_sr.engine.backends.openvino_trial < JOB
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.backends.library import (
    Verdict,
    folder,
    largest_error,
    verdict_of,
    write_verdict,
)
from napari_sr.engine.backends.openvino_models import configuration
from napari_sr.engine.planning.segments import Segment, function_of
from napari_sr.graph.chain import with_one_writer_each
from napari_sr.graph.run import planes_before
from napari_sr.layers.colour import chain_for
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sr.graph.network import Network

MOST_ERROR = 2e-5
"""Of the largest result: what another order of sums in float32 may differ by."""
RUNS = 5
REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What tracing and OpenVINO throw at networks that they do not take, beside OpenVINO's own errors.
Anything else ends this process, which is a verdict, too."""
MOST_SECONDS = 2.0
"""After which a segment is timed no more than twice."""


@dataclass(frozen=True)
class Wanted:
    """One segment to compile."""

    name: str
    """In the library."""
    segment: Segment
    size: tuple[int, int]
    """Height and width of the tiles, in pixels of the image."""


@dataclass(frozen=True)
class Job:
    """Segments of one network."""

    network: Network
    image: Tensor
    """A part of the image, (1, C, H, W) in 0..1, at least as large as the largest tile."""
    wanted: tuple[Wanted, ...]
    threads: int
    """Threads of PyTorch in the process that asks."""


def dump(job: Job) -> bytes:
    """Return a job as bytes."""
    buffer = io.BytesIO()
    torch.save(job, buffer)
    return buffer.getvalue()


def main() -> None:
    """Do the job that comes through standard input."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    # our own process wrote it
    job = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=False)
    run(job)


def run(job: Job) -> None:
    """Try all segments of a job; write a verdict on each."""
    import openvino

    core = openvino.Core()
    torch.set_num_threads(job.threads)
    job.network.requires_grad_(False)  # tracing takes weights as constants
    chain = with_one_writer_each(chain_for(job.network, job.image.shape[1]))
    for size in sorted({wanted.size for wanted in job.wanted}):
        here = [wanted for wanted in job.wanted if wanted.size == size]
        image = job.image[..., : size[0], : size[1]].contiguous()
        with torch.inference_mode(), use_kernels("reference"):
            for place, held in planes_before(chain, image):
                for one in here:
                    if one.segment.indices[0] == place and verdict_of(one.name) is None:
                        function = function_of(chain, one.segment)
                        inputs = [held[name] for name in one.segment.inputs]
                        write_verdict(one.name, _tried(core, one.name, function, inputs))


def _tried(
    core: Any, name: str, function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor]
) -> Verdict:
    """Compile one segment, write it into the library, and return what came of it."""
    from openvino import frontend

    try:
        model = converted(function, inputs)
        compiled = core.compile_model(model, "CPU", configuration())
        request = compiled.create_infer_request()
        arrays = [tensor.contiguous().numpy() for tensor in inputs]
        found = request.infer(arrays, share_inputs=True)
        expected = function(*inputs)
        error = largest_error([torch.from_numpy(found[one]) for one in compiled.outputs], expected)
        if not error <= MOST_ERROR:
            return Verdict(False, error, why=f"its results differ from PyTorch's by {error:.1e}")
        times: list[float] = []
        torch_times: list[float] = []
        began = time.perf_counter()
        while len(times) < RUNS and (len(times) < 2 or time.perf_counter() - began < MOST_SECONDS):
            times.append(_seconds(lambda: request.infer(arrays, share_inputs=True)))
            torch_times.append(_seconds(lambda: function(*inputs)))
        _save(model, name)
        return Verdict(True, error, 1e3 * median(times), 1e3 * median(torch_times))
    except (*REFUSALS, frontend.OpConversionFailure, frontend.GeneralFailure) as error:
        return Verdict(False, why=f"{type(error).__name__}: {error}"[:300])


def _save(model: Any, name: str) -> None:
    """Write a model under a private name first, as another process may be reading its files."""
    import openvino

    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as private:
        openvino.save_model(model, Path(private) / f"{name}.xml", compress_to_fp16=False)
        for suffix in (".bin", ".xml"):
            os.replace(Path(private) / f"{name}{suffix}", folder() / f"{name}{suffix}")


def converted(function: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor]) -> Any:
    """Return a function of tensors as a model of OpenVINO, for tensors of just these shapes."""
    import openvino

    with warnings.catch_warnings():
        # shapes become constants, as they are meant to
        warnings.simplefilter("ignore")
        model = openvino.convert_model(_Module(function), example_input=tuple(inputs))
    shapes = zip(model.inputs, inputs, strict=True)
    model.reshape({place: list(tensor.shape) for place, tensor in shapes})
    return model


class _Module(torch.nn.Module):
    """A function as a module, which is what can be traced."""

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return self.function(*tensors)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
