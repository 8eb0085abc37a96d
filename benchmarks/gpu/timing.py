"""Shared code of the GPU benchmarks: the device, errors, times, memory, largest rates.

Without a GPU, everything is a dry run in Triton's interpreter: calls run once, and times mean
nothing. Import this module first: it sets the path of the sources, and how kernels run.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

ON_GPU = torch.cuda.is_available()
if not ON_GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # must be set before kernels are imported
ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "kernels"), str(ROOT / "benchmarks")]

from commit import commit  # noqa: E402
from launching import Widths, arguments_of, size_of  # noqa: E402

import sr_kernels  # noqa: E402  # the paths come first
from sr_kernels._triton import triton  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEVICE = torch.device("cuda" if ON_GPU else "cpu")
ROUNDING = 2.0**-10
"""Relative rounding error of float16."""
SECONDS = 0.2 if ON_GPU else 0.0
"""Seconds for which a call is repeated; it is timed at least five times."""


def milliseconds(call: Callable[[], object], seconds: float = SECONDS) -> float:
    """Return the median time of a call, after three calls to warm up."""
    for _ in range(3 if ON_GPU else 0):
        call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < (5 if ON_GPU else 1) or (time.perf_counter() < end and len(times) < 100):
        times.append(_once(call))
    return statistics.median(times)


def _once(call: Callable[[], object]) -> float:
    if not ON_GPU:
        start = time.perf_counter()
        call()
        return 1e3 * (time.perf_counter() - start)
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    stop.record()
    stop.synchronize()
    elapsed: float = start.elapsed_time(stop)
    return elapsed


def graphed(call: Callable[[], object]) -> Callable[[], object]:
    """Return a function that replays a CUDA graph of a call; without a GPU, the call itself."""
    if not ON_GPU:
        return call
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def by(word: str, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Return a function that calls `function` with this choice of kernels."""

    def call() -> Any:
        with sr_kernels.use_kernels(word):
            return function(*arguments)

    return call


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the peak memory that a call adds, in bytes; 0 without a GPU."""
    if not ON_GPU:
        return 0
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def share_of_allowed(results: Any, usual: Any, exact: Any) -> float:
    """Return the largest error as a share of the allowed error.

    Twice PyTorch's error plus one rounding is allowed.

    Parameters
    ----------
    results, usual, exact : Tensor or tuple of Tensor
        Results of the kernel, of PyTorch in the same dtype, and of PyTorch in float64.
    """
    worst = 0.0
    for result, other, wanted in zip(*map(_all_of, (results, usual, exact)), strict=True):
        own = (other.double() - wanted).abs().max()
        allowed = 2 * own + ROUNDING * wanted.abs() + 1e-6
        error = ((result.double() - wanted).abs() / allowed).max().item()
        worst = max(worst, error if error == error else float("inf"))  # NaN is wrong, too
    return worst


def _all_of(results: Any) -> Sequence[Tensor]:
    return (results,) if isinstance(results, Tensor) else results


def doubled(arguments: Sequence[Any]) -> list[Any]:
    """Return the arguments with all tensors in float64."""
    return [value.double() if isinstance(value, Tensor) else value for value in arguments]


def op_arguments(name: str, channels: int | Widths, size: tuple[int, int]) -> list[Any]:
    """Return example arguments of an op in a network of this width, in float16, channels last."""
    torch.manual_seed(0)
    widths = channels if isinstance(channels, Widths) else Widths(channels)
    return arguments_of(name, widths.inside(name), size_of(name, size), DEVICE)


def check_op(name: str, arguments: Sequence[Any]) -> float:
    """Return an op's error as a share of the allowed error."""
    op = sr_kernels.op(name)
    exact, usual = op.reference(*doubled(arguments)), op.reference(*arguments)
    return share_of_allowed(by("triton", op.public, *arguments)(), usual, exact)


def ceilings() -> dict[str, float]:
    """Return the largest rates of this device: GB/s of a copy, TFLOP/s of a matrix product."""
    side = 8192 if ON_GPU else 64
    left = torch.randn(side, side, device=DEVICE).half()
    target = torch.empty_like(left)
    large = left.repeat(8, 1)
    other = torch.empty_like(large)
    copying = milliseconds(lambda: other.copy_(large))
    product = milliseconds(lambda: torch.mm(left, left, out=target))
    return {
        "GB/s": 2 * large.nbytes / copying / 1e6,
        "TFLOP/s": 2 * side**3 / product / 1e9,
    }


def environment() -> dict[str, str]:
    """Return device, versions and commit of the measurement."""
    return {
        "device": torch.cuda.get_device_name() if ON_GPU else "CPU, dry run: times mean nothing",
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit(),
    }
