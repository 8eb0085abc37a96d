"""Measure ops and networks on a GPU: first their errors, then their speed.

    python benchmarks/gpu/speed.py [--quick | --dense | --only NAMES] [--minutes 7]
                             [--set5 FOLDER --weights FOLDER] [--write NAME]

The script needs this repository, torch, triton, numpy and safetensors; the package need not be
installed. Ops and networks with wrong results are not timed. Everything runs in half precision,
channels_last, at x4, with random weights.

The columns are: eager PyTorch, the same in a CUDA graph, torch.compile (max-autotune; networks with
CUDA graphs), every BSConv folded into a dense 3x3 convolution of cuDNN (see folding.py), our ops,
and our ops in a CUDA graph. The largest rates of memory and matrices are measured in the same run.
torch.compile takes longest, so it comes last and stops when the minutes are over; other rows have
"-". With --set5 and --weights, a table compares the PSNR in half precision with kernels to that in
float32 without kernels. The last table shows which targets were reached (targets.py).

--launch NAME launches one op or network at several sizes and stops, for use with compute-sanitizer.
--quick checks and times only ops; --dense adds EDSR and RRDBNet at the two small sizes. NAME.md
and NAME.json are written after every part, so results are kept if the run is cut off.

Without a GPU, this is a dry run: tiny images in Triton's interpreter, without compiling; its times
mean nothing. The script has not run on a GPU yet.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import set5
import torch
from folding import folded
from rlfn import RLFN
from targets import LARGE, MODES, RACES, RIVALS, Result, targets
from timing import (  # timing sets the path of the sources, so sr_kernels is imported later
    DEVICE,
    ON_GPU,
    by,
    ceilings,
    doubled,
    environment,
    graphed,
    milliseconds,
    op_arguments,
    peak_bytes,
    share_of_allowed,
)

import sr_kernels
from napari_sr import models
from sr_kernels._triton import triton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

SIZES = ((180, 320), (256, 256), (339, 510), LARGE) if ON_GPU else ((15, 17),)
"""Height and width of the input images."""
NETWORKS = ("bsrn", "bsrn_s", "rfdn", "imdn")
RIVAL = "rlfn"
DENSE = ("edsr", "rrdbnet")
BARE = "bsconv, no bias between"
WIDTHS = (48, 50, 64)
"""Channels with which ops are checked; the last number is used for timing."""
CHECKED = ((37, 53), SIZES[0]) if ON_GPU else ((5, 7),)
"""Sizes at which ops are checked; the first is odd."""
SMALL: dict[str, int] = {} if ON_GPU else {"blocks": 1, "features": 16}
DENSE_SMALL = {} if ON_GPU else {"edsr": {"blocks": 1}, "rrdbnet": {"blocks": 1, "features": 8}}
PIXELS = None if ON_GPU else 16
"""Largest side of a test image in pixels; None for the whole image."""
COMPILED_NETWORK = {"mode": "max-autotune"} if ON_GPU else {"backend": "eager"}
COMPILED_OP = {"mode": "max-autotune-no-cudagraphs"} if ON_GPU else {"backend": "eager"}
WORKERS = 12
"""Number of processes that compile kernels before they are needed, for 16 cores."""
WARMING = 150
"""Seconds after which these processes are stopped."""


@dataclass
class Record:
    """All results of a run, and the files that they are written to."""

    path: Path | None
    environment: dict[str, str] = field(default_factory=environment)
    ceilings: dict[str, float] = field(default_factory=ceilings)
    results: list[Result] = field(default_factory=list)
    decibels: dict[str, dict[str, float]] = field(default_factory=dict)

    def text(self) -> str:
        """Return all tables."""
        head = [f"{key}: {value}" for key, value in self.environment.items()]
        head += [f"ceiling, {unit}: {value:.0f}" for unit, value in self.ceilings.items()]
        lines = ["# On a GPU", "", *(f"- {line}" for line in head), ""]
        for is_op in (True, False):
            lines += [*table([r for r in self.results if r.is_op == is_op], self.ceilings), ""]
        lines += [*(f"- {r.name}: {note}" for r in self.results for note in r.notes), ""]
        if self.decibels:
            lines += ["| | PSNR on Set5, float32, dB | float16, kernels |", "|---|---|---|"]
            lines += [
                f"| {name} | {values['float32']:.3f} | {values['float16']:.3f} |"
                for name, values in self.decibels.items()
            ]
            lines.append("")
        lines += ["| target | wanted | found | |", "|---|---|---|---|"]
        lines += map(str, targets(self.results, self.ceilings, self.decibels))
        return "\n".join([*lines, ""])

    def keep(self) -> None:
        """Write the results so far."""
        if self.path is None:
            return
        self.path.with_suffix(".md").write_text(self.text())
        whole = {**self.environment, "ceilings": self.ceilings, "PSNR": self.decibels,
                 "results": [asdict(each) for each in self.results]}  # fmt: skip
        self.path.with_suffix(".json").write_text(json.dumps(whole, indent=1))


def table(results: list[Result], reached: dict[str, float]) -> list[str]:
    """Return a Markdown table of times, with the least possible time as a share of the time."""
    columns = ["", "LR size", "error / allowed", *(f"{mode}, ms" for mode in MODES), "of floor",
               "peak B per pixel, eager / ours"]  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for result in results:
        times, best, floor = result.milliseconds, result.ours, result.floor(reached)
        peaks = [result.peak_bytes_per_pixel.get(mode) for mode in ("eager", "ours")]
        cells = [
            result.name, f"{result.size[1]} x {result.size[0]}",
            f"{result.error:.2f}{'' if result.right else ' WRONG'}",
            *(f"{times[mode]:.3f}" if mode in times else "-" for mode in MODES),
            f"{floor / best:.0%}" if floor and best else "-",
            " / ".join("-" if peak is None else f"{peak:.0f}" for peak in peaks),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


FAILURES = (RuntimeError, ValueError, AssertionError, triton.errors.TritonError)
"""Errors of a kernel or compiler that does not work on this device."""


def rows() -> list[str]:
    """Return the rows of the table of ops: their names, and one variant."""
    return [*sr_kernels.names(), BARE]


def arguments_of(row: str, size: tuple[int, int], channels: int = WIDTHS[-1]) -> list[Any]:
    """Return the arguments of a row's op."""
    name, _, variant = row.partition(",")
    arguments = op_arguments(name, channels, size)
    if variant:
        arguments[2] = None  # the pointwise bias, which makes folding slower and which BSRN lacks
    return arguments


def ways(function: Callable[..., Any], *arguments: Any) -> dict[str, Callable[[], Any]]:
    """Return calls of a function, by mode; only modes that need no compiler."""
    return {
        "eager": by("reference", function, *arguments),
        "folded": by("reference", folded(function), *arguments),
        "ours": by("triton", function, *arguments),
    }


def errors_of(calls: dict[str, Callable[[], Any]], exact: Any) -> dict[str, float]:
    """Return the error of every mode except the first, as a share of the allowed error."""
    found, (usual, *others) = {}, calls
    results = calls[usual]()
    for mode in others:
        try:
            found[mode] = share_of_allowed(calls[mode](), results, exact)
        except FAILURES as error:
            print(f"{mode} fails: {error}", file=sys.stderr)
            found[mode] = float("inf")
    return found


def add_times(result: Result, calls: dict[str, Callable[[], Any]]) -> Result:
    """Time calls, and each call in a CUDA graph; note calls that cannot be captured."""
    for mode, call in calls.items():
        # times of plain PyTorch must not include our operators
        plain = nullcontext() if mode == "ours" else references_inlined()
        try:
            with plain:
                result.milliseconds[mode] = milliseconds(call)
                result.milliseconds[f"{mode}, graph"] = milliseconds(graphed(call))
        except FAILURES as error:
            result.notes.append(f"{mode}: {error}")
    return result


def op_errors(row: str) -> dict[str, float]:
    """Return a row's largest error by mode, over all widths and sizes."""
    op, worst = sr_kernels.op(row.partition(",")[0]), {"ours": 0.0}
    for width, size in itertools.product(WIDTHS, CHECKED):
        arguments = arguments_of(row, size, width)
        calls = ways(op.public, *arguments)
        if op.public.__name__ != "bsconv":
            del calls["folded"]
        exact = op.reference(*doubled(arguments))
        for mode, error in errors_of(calls, exact).items():
            worst[mode] = max(worst.get(mode, 0.0), error)
    return worst


def measure_op(row: str, size: tuple[int, int], errors: dict[str, float]) -> Result:
    """Time an op in the modes whose results are right."""
    op, arguments = sr_kernels.op(row.partition(",")[0]), arguments_of(row, size)
    result = Result(row, size, errors["ours"], is_op=True)
    result.bytes, result.flops = op.bytes_moved(*arguments), op.flops(*arguments)
    return add_times(result, right_ways(result, ways(op.public, *arguments), errors))


def right_ways(
    result: Result, calls: dict[str, Callable[[], Any]], errors: dict[str, float]
) -> dict[str, Callable[[], Any]]:
    """Return eager and the other modes whose results are right; note the wrong modes."""
    wrong = [mode for mode, error in errors.items() if error > 1]
    result.notes += [f"{mode} has {errors[mode]:.2f} times the allowed error" for mode in wrong]
    return {
        mode: call
        for mode, call in calls.items()
        if mode == "eager" or errors.get(mode, float("inf")) <= 1
    }


def network(name: str) -> torch.nn.Module:
    """Return a network, ours or RLFN, in half precision."""
    torch.manual_seed(0)
    options = SMALL if name in NETWORKS else DENSE_SMALL.get(name, {})
    made = RLFN() if name == RIVAL else models.architecture(name).network(scale=4, **options)
    return made.eval().to(DEVICE, torch.half, memory_format=torch.channels_last)


def image(size: tuple[int, int]) -> Tensor:
    """Return an image, (1, 3, H, W)."""
    torch.manual_seed(1)
    x = torch.rand(1, 3, *size, device=DEVICE).half()
    return x.contiguous(memory_format=torch.channels_last)


def check_network(name: str) -> tuple[dict[str, float], dict[str, int]]:
    """Return a network's errors in the modes that differ from eager, and its launches."""
    made, x = network(name), image(SIZES[0])
    exact = by("reference", network(name).double(), x.double())()
    sr_kernels.reset_launched()
    errors = errors_of(ways(made, x), exact)
    counted = sr_kernels.launched()
    differs = {"ours": bool(counted), "folded": "bsconv" in counted}
    return {mode: error for mode, error in errors.items() if differs[mode]}, counted


def measure_network(name: str, size: tuple[int, int], errors: dict[str, float]) -> Result:
    """Time a network in the modes whose results are right."""
    result = Result(name, size, errors.get("ours", 0.0), is_op=False)
    calls = right_ways(result, ways(network(name), image(size)), errors)
    for mode, call in calls.items():
        result.peak_bytes_per_pixel[mode] = peak_bytes(call) / (size[0] * size[1])
    return add_times(result, calls)


@contextmanager
def references_inlined() -> Iterator[None]:
    """Replace ops by their references, because torch.compile cannot fuse ops."""
    with ExitStack() as stack:
        for name in sr_kernels.names():
            module = import_module(f"sr_kernels.{name}")
            stack.enter_context(mock.patch.object(module, "_compute", module.OP.reference))
        yield


def urgency(result: Result) -> tuple[int, tuple[int, int]]:
    """Return the sort key for compiling: rows of targets first, then small images."""
    if result.is_op:
        return (2 if result.size == SIZES[-1] else 9), result.size
    place = 0 if result.name == "bsrn" and result.size == SIZES[0] else 1
    wanted = result.name in RIVALS and result.size in RACES
    return (place if place == 0 or (wanted and result.size == SIZES[0]) else 3 if wanted else 4,
            result.size)  # fmt: skip


def compile_all(record: Record, deadline: float) -> None:
    """Add the compiled column, the most important rows first, while time remains."""
    for result in sorted(record.results, key=urgency):
        if time.monotonic() > deadline or urgency(result)[0] == 9:
            continue
        torch.compiler.reset()
        try:
            result.milliseconds["compiled"] = compiled_once(result.name, result.size)
        except FAILURES as error:
            result.notes.append(f"compiled: {str(error)[:200]}")
        record.keep()


def compiled_once(row: str, size: tuple[int, int]) -> float:
    """Return the milliseconds of an op's reference, or of a network, by torch.compile."""
    if row.partition(",")[0] in sr_kernels.names():
        function, arguments = (
            sr_kernels.op(row.partition(",")[0]).reference,
            arguments_of(row, size),
        )
        options = COMPILED_OP
    else:
        function, arguments, options = network(row), [image(size)], COMPILED_NETWORK
    with references_inlined(), sr_kernels.use_kernels("reference"):
        call = partial(torch.compile(function, **options), *arguments)
        return milliseconds(call)


def warm(names: list[str]) -> None:
    """Compile the kernels of these ops and networks into Triton's cache, in parallel.

    One after the other, this would take most of the available time.
    """
    command = [sys.executable, __file__, "--launch"]
    waiting, running = list(names), []
    end = time.monotonic() + WARMING
    while (waiting or running) and time.monotonic() < end:
        running = [process for process in running if process.poll() is None]
        while waiting and len(running) < WORKERS:
            running.append(subprocess.Popen([*command, waiting.pop()], stdout=subprocess.DEVNULL))
        time.sleep(0.2)
    for process in running:
        process.kill()


def launch_all(name: str) -> None:
    """Launch the kernels of one op or network, at several sizes."""
    if name in (*NETWORKS, *DENSE):
        for size in SIZES[:3]:
            by("triton", network(name), image(size))()
        return
    op_errors(name)
    for size in SIZES[:3]:
        sr_kernels.op(name).launch(*op_arguments(name, WIDTHS[-1], size))


def measure_all(record: Record, names: list[str]) -> None:
    """Add all results that need no torch.compile; everything is checked before it is timed."""
    for row in (row for row in rows() if row in names):
        errors = op_errors(row)
        for size in SIZES:
            record.results.append(measure_op(row, size, errors))
        record.keep()
    for name in (name for name in (*NETWORKS, RIVAL, *DENSE) if name in names):
        errors, counted = check_network(name)
        for size in SIZES[:2] if name in DENSE else SIZES:
            record.results.append(measure_network(name, size, errors))
            record.results[-1].launched = counted
            record.keep()


def main() -> int:
    """Check, measure, print; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only ops, without torch.compile")
    parser.add_argument("--dense", action="store_true", help="also EDSR and RRDBNet")
    parser.add_argument("--only", nargs="+", help="only these ops and networks")
    parser.add_argument("--minutes", type=float, default=7.0, help="compile nothing after this")
    parser.add_argument("--set5", type=Path, help="the test set, with HR/ and LR_matlab/x4/")
    parser.add_argument("--weights", type=Path, help="the folder of released weights")
    parser.add_argument("--write", type=Path, help="write NAME.md and NAME.json")
    parser.add_argument(
        "--compiled", metavar="ROW", help="time torch.compile of this row, and stop"
    )
    parser.add_argument("--size", default="320x180", help="size of the image of --compiled, WxH")
    parser.add_argument("--launch", help="launch this op or network at several sizes, and stop")
    given = parser.parse_args()
    networks = () if given.quick else (*NETWORKS, RIVAL, *(DENSE if given.dense else ()))
    names = given.only or [*rows(), *networks]
    deadline = time.monotonic() + 60 * given.minutes
    with torch.inference_mode():
        if given.launch:
            launch_all(given.launch)
            return 0
        if given.compiled:
            width, height = map(int, given.size.split("x"))
            print(json.dumps({"compiled, ms": compiled_once(given.compiled, (height, width))}))
            return 0
        if ON_GPU:
            warm([name for name in names if name not in (RIVAL, BARE)])
        record = Record(given.write)
        measure_all(record, names)
        for name in set5.FILES if given.set5 and given.weights else ():
            if name in names:
                record.decibels[name] = set5.measure(name, given.set5, given.weights, PIXELS)
                record.keep()
        if not given.quick:
            compile_all(record, deadline)
    record.keep()
    print(record.text())
    return int(not all(result.right for result in record.results))


if __name__ == "__main__":
    sys.exit(main())
