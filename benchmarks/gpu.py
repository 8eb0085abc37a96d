"""Ops and networks on a GPU: first whether they are right, then how fast they are.

    python benchmarks/gpu.py [--minutes 7] [--write NAME]

Needs torch, triton and numpy beside this repository; nothing need be installed. What is wrong gets
no number. Half precision, channels_last, x4, random weights. Columns: eager PyTorch, the same in a
CUDA graph, torch.compile (max-autotune; networks with CUDA graphs), ours, ours in a CUDA graph.
Ceilings of memory and matrices are measured in the same run. Compiling takes longest, so it comes
last and stops when the minutes are over; what was not reached is "-". Writes NAME.md and NAME.json.

Without a GPU this is a dry run: tiny images, Triton's interpreter, nothing compiled, and numbers
that mean nothing. So far it has been run in no other way.

Letters: N images, C features, H x W pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

ON_GPU = torch.cuda.is_available()
if not ON_GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # read when kernels are decorated
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "kernels"), str(ROOT / "benchmarks")]

from rlfn import RLFN  # noqa: E402  # the paths come first

import sr_kernels  # noqa: E402
from napari_sr import models  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEVICE = torch.device("cuda" if ON_GPU else "cpu")
SIZES = ((180, 320), (256, 256), (339, 510), (2048, 2048)) if ON_GPU else ((16, 20),)
"""Height and width of the image that enters."""
NETWORKS = ("bsrn", "bsrn_s", "rfdn", "imdn")
MODES = ("eager", "eager, graph", "compiled", "ours", "ours, graph")
FEATURES = 64 if ON_GPU else 16
SMALL: dict[str, int] = {} if ON_GPU else {"blocks": 1}
ODD = (37, 53) if ON_GPU else (7, 5)
ROUNDING = 2.0**-10
"""Of float16, relative."""


@dataclass
class Result:
    """What is known of one op or network at one size."""

    name: str
    size: tuple[int, int]
    right: bool
    error: float
    """The largest, as a share of what is allowed."""
    milliseconds: dict[str, float] = field(default_factory=dict)
    """By mode; those not measured are missing."""
    bytes: int = 0
    flops: int = 0
    peak_bytes_per_pixel: dict[str, float] = field(default_factory=dict)
    launched: dict[str, int] = field(default_factory=dict)


def milliseconds(call: Callable[[], object]) -> float:
    """Return the median time of a call after warming up."""
    for _ in range(3 if ON_GPU else 0):
        call()
    times: list[float] = []
    end = time.perf_counter() + (0.3 if ON_GPU else 0.0)
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 100):
        times.append(_once(call))
        if not ON_GPU:
            break
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
    """Return a call that replays what the call launched; the call itself where no GPU is."""
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
    """Return a call of the function with the kernels chosen by this word."""

    def call() -> Any:
        with sr_kernels.use_kernels(word):
            return function(*arguments)

    return call


def share_of_allowed(results: Any, usual: Any, exact: Any) -> float:
    """Return the largest error as a share of twice PyTorch's own and one rounding."""
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


def laid_out(arguments: Sequence[Any]) -> list[Any]:
    """Return the arguments with features channels_last; one tensor stays one tensor."""
    size, moved = arguments[0].shape[2:], {}
    for value in arguments:
        if isinstance(value, Tensor) and value.ndim == 4 and value.shape[2:] == size:
            moved[id(value)] = value.contiguous(memory_format=torch.channels_last)
    return [moved.get(id(value), value) for value in arguments]


def op_arguments(name: str, size: tuple[int, int]) -> list[Any]:
    """Return an op's example of 64 features."""
    torch.manual_seed(0)
    with DEVICE:
        example = sr_kernels.op(name).example((1, FEATURES, *size), torch.half, DEVICE)
    return laid_out(example)


def check_op(name: str, size: tuple[int, int]) -> float:
    """Return an op's error as a share of what is allowed."""
    op, arguments = sr_kernels.op(name), op_arguments(name, size)
    exact, usual = op.reference(*doubled(arguments)), op.reference(*arguments)
    return share_of_allowed(by("triton", op.public, *arguments)(), usual, exact)


def measure_op(name: str, size: tuple[int, int], checked: float) -> Result:
    """Time an op that is right."""
    op, arguments = sr_kernels.op(name), op_arguments(name, size)
    result = Result(name, size, checked <= 1, checked)
    result.bytes, result.flops = op.bytes_moved(*arguments), op.flops(*arguments)
    if result.right:
        ours = by("triton", op.public, *arguments)
        eager = by("reference", op.public, *arguments)
        calls = {"eager": eager, "eager, graph": graphed(eager), "ours": ours,
                 "ours, graph": graphed(ours)}  # fmt: skip
        result.milliseconds = {mode: milliseconds(call) for mode, call in calls.items()}
    return result


def network(name: str) -> torch.nn.Module:
    """Return a network, ours or the rival, in half precision."""
    torch.manual_seed(0)
    made = RLFN() if name == "rlfn" else models.architecture(name).network(scale=4, **SMALL)
    return made.eval().to(DEVICE, torch.half, memory_format=torch.channels_last)


def image(size: tuple[int, int]) -> Tensor:
    """Return an image, (1, 3, H, W)."""
    torch.manual_seed(1)
    x = torch.rand(1, 3, *size, device=DEVICE).half()
    return x.contiguous(memory_format=torch.channels_last)


def check_network(name: str) -> tuple[float, dict[str, int]]:
    """Return a network's error as a share of what is allowed, and what it launched."""
    made, x = network(name), image(SIZES[0])
    usual = by("reference", made, x)()
    sr_kernels.reset_launched()
    ours = by("triton", made, x)()
    counted = sr_kernels.launched()
    exact = by("reference", made.double(), x.double())()
    return share_of_allowed(ours, usual, exact), counted


def measure_network(name: str, size: tuple[int, int], right: bool, error: float) -> Result:
    """Time a network that is right."""
    made, x = network(name), image(size)
    result = Result(name, size, right, error)
    calls = {"eager": by("reference", made, x)}
    if name in NETWORKS and right:
        calls["ours"] = by("triton", made, x)
    for mode, call in calls.items():
        result.peak_bytes_per_pixel[mode] = peak_bytes(call) / (size[0] * size[1])
        result.milliseconds[mode] = milliseconds(call)
        result.milliseconds[f"{mode}, graph"] = milliseconds(graphed(call))
    return result


def peak_bytes(call: Callable[[], object]) -> int:
    """Return how much memory a call takes beyond what is held before; 0 without a GPU."""
    if not ON_GPU:
        return 0
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def compile_all(results: list[Result], deadline: float) -> None:
    """Add the compiled columns: networks first, from small images to large, while time remains."""
    if not ON_GPU:
        return
    names = sr_kernels.names()
    for result in sorted(results, key=lambda each: (each.name in names, each.size)):
        if time.monotonic() > deadline or (result.name in names and result.size != SIZES[-1]):
            continue
        torch.compiler.reset()
        if result.name in names:
            op, mode = sr_kernels.op(result.name), "max-autotune-no-cudagraphs"
            call = torch.compile(op.reference, mode=mode)
            arguments = op_arguments(result.name, result.size)
        else:
            call = torch.compile(network(result.name), mode="max-autotune")
            arguments = [image(result.size)]
        result.milliseconds["compiled"] = milliseconds(by("reference", call, *arguments))


def ceilings() -> dict[str, float]:
    """Return what this device reaches: GB/s of a copy, TFLOP/s of a matrix product."""
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
    """Return where the numbers come from."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "device": torch.cuda.get_device_name() if ON_GPU else "dry run on a CPU; no number counts",
        "torch": torch.__version__,
        "triton": __import__("triton").__version__,
        "python": platform.python_version(),
        "commit": commit or "unknown",
    }


def table(results: list[Result], reached: dict[str, float]) -> list[str]:
    """Return a Markdown table of times, with the share of the floor where it is known."""
    columns = ["", "LR size", "error / allowed", *(f"{mode}, ms" for mode in MODES), "of floor",
               "peak B per pixel, eager / ours"]  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for result in results:
        times = result.milliseconds
        floor = max(
            result.bytes / reached["GB/s"] / 1e6, result.flops / reached["TFLOP/s"] / 1e9
        )  # fmt: skip
        best = min((times[mode] for mode in MODES[3:] if mode in times), default=0.0)
        peaks = [result.peak_bytes_per_pixel.get(mode) for mode in ("eager", "ours")]
        cells = [
            result.name, f"{result.size[1]} x {result.size[0]}",
            f"{result.error:.2f}" if result.right else f"{result.error:.2f} WRONG",
            *(f"{times[mode]:.3f}" if mode in times else "-" for mode in MODES),
            f"{floor / best:.0%}" if floor and best else "-",
            " / ".join("-" if peak is None else f"{peak:.0f}" for peak in peaks),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Check, measure, print; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=7.0, help="start no compiling after that")
    parser.add_argument("--write", type=Path, help="NAME of NAME.md and NAME.json")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    with torch.inference_mode():
        reached = ceilings()
        ops = []
        for name in sr_kernels.names():
            checked = max(check_op(name, size) for size in (SIZES[0], ODD))
            ops += [measure_op(name, size, checked) for size in SIZES]
        networks = []
        for name in (*NETWORKS, "rlfn"):
            error, counted = check_network(name) if name in NETWORKS else (0.0, {})
            measured = [measure_network(name, size, error <= 1, error) for size in SIZES]
            measured[0].launched = counted
            networks += measured
        compile_all(ops + networks, deadline)
    record = environment()
    head = [f"{key}: {value}" for key, value in record.items()]
    head += [f"ceiling, {unit}: {value:.0f}" for unit, value in reached.items()]
    text = "\n".join(
        ["# On a GPU", "", *(f"- {line}" for line in head), "", *table(ops, reached), "",
         *table(networks, reached), ""]
    )  # fmt: skip
    print(text)
    if arguments.write:
        arguments.write.with_suffix(".md").write_text(text)
        whole = {**record, "ceilings": reached, "results": [vars(each) for each in ops + networks]}
        arguments.write.with_suffix(".json").write_text(json.dumps(whole, indent=1))
    return int(not all(result.right for result in ops + networks))


if __name__ == "__main__":
    sys.exit(main())
