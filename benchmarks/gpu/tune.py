"""Find the fastest launch options of ops on a GPU, and write them to configurations.json.

    python benchmarks/gpu/tune.py [--only OPS] [--widths 64 48 64-32] [--minutes 8] [--write FILE]

Every op passes block sizes, warps and stages to `configuration`, where this script reads them. For
each op and width:

1. Candidates are values around the current ones, the nearest first.
2. For a third of the minutes, candidates are compiled, in as many processes as there are cores.
   Candidates that do not compile, spill, or need too much shared memory are dropped.
3. The other candidates are timed if their result equals the current result: ten launches in a CUDA
   graph, at 320 x 180 and at 2048 x 2048, as a share of the current time. The mean of both sizes
   decides.
4. The best candidate is timed again beside the current options, and checked at an odd size. If it
   is more than 3 % faster, it is written to FILE (by default the package's configurations.json), by
   architecture, op and width.

A width such as 64-32 means input and output channels; it is only tried for ops that have such
widths.

Without a GPU, this is a dry run with one size in Triton's interpreter. Its times mean nothing, and
nothing is written unless FILE is named. The script has not run on a GPU yet.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean
from typing import TYPE_CHECKING, Any

import torch
from timing import (
    DEVICE,
    ON_GPU,
    ROOT,
    ROUNDING,
    check_op,
    graphed,
    milliseconds,
    op_arguments,
)

# timing comes first: it sets the path of the sources, and how kernels run
# isort: split
from launching import Widths, launched_with

import sr_kernels
from sr_kernels import _configuration
from sr_kernels._triton import triton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Options = dict[str, int]
SIZES = ((2048, 2048), (180, 320)) if ON_GPU else ((9, 20),)
"""Height and width. A candidate that is much slower at the first size is not tried at the other."""
ODD = (37, 53) if ON_GPU else (5, 7)
"""Size at which the best candidate is checked against the reference."""
REPEATS = 10 if ON_GPU else 1
"""Number of launches that are timed together."""
WORTH = 0.97
"""An entry is written if its share of the current time is below this."""
HOPELESS = 1.1
ROUNDINGS = 4
"""Allowed difference between the results of two candidates, in roundings of the largest value. They
differ because sums may be computed in another order."""
CHOICES = {"num_warps": (1, 2, 4, 8), "num_stages": (1, 2, 3)}
WIDTHS = ("64", "48", "50", "64-32", "12-64", "16", "48-24", "12-48")
"""Channels of BSRN, BSRN-S and RFDN: features, or inputs and outputs of their convolutions."""
LEAST_BLOCK = 16
"""Smallest side of a matrix product."""
FAILURES = (RuntimeError, ValueError, AssertionError, triton.errors.TritonError)


@dataclass
class Trial:
    """One op at one width, and its candidate launch options."""

    op: str
    width: Widths
    present: Options
    candidates: list[Options] = field(default_factory=list)
    best: Options = field(default_factory=dict)
    share: float = 1.0
    """Time of the best candidate as a share of the current time."""
    tried: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def channels(self) -> Widths:
        """Input and output channels of the op in a network of this width."""
        return self.width.inside(self.op)

    @property
    def better(self) -> bool:
        """Whether the best candidate is worth an entry."""
        return self.share < WORTH


def options_of(op: str, width: Widths) -> Options:
    """Return the options that an op requests, with their current values; {} if it has none."""
    with launched_with(op, {}) as seen:
        sr_kernels.op(op).launch(*op_arguments(op, width, ODD))
    return seen.get(op, {})


def choices_of(keyword: str, present: int) -> tuple[int, ...]:
    """Return the values to try for one keyword, including the current value."""
    if keyword in CHOICES:
        return tuple(sorted({*CHOICES[keyword], present}))
    # a present block may be smaller than LEAST_BLOCK, and stays allowed
    least = min(LEAST_BLOCK, present) if keyword == "BLOCK" else 1
    around = {present // 4, present // 2, present, 2 * present, 4 * present}
    return tuple(sorted(value for value in around if value >= least))


def trial_of(op: str, width: Widths, most: int | None = None) -> Trial:
    """Return the candidates for an op, nearest to the current options first."""
    present = options_of(op, width)
    values = [choices_of(keyword, value) for keyword, value in present.items()]
    found = [dict(zip(present, each, strict=True)) for each in itertools.product(*values)]
    found = [each for each in found if each != present]
    found.sort(key=lambda each: sum(each[keyword] != value for keyword, value in present.items()))
    return Trial(op, width, present, found[:most])


def prune(trials: list[Trial], deadline: float) -> None:
    """Drop candidates whose machine code is bad; kernels of the others stay in Triton's cache."""
    # the processes do not see the GPU, so its type is passed to them; without a GPU, an H100
    architecture = _configuration.architecture(DEVICE) or "sm_90"
    processors = torch.cuda.get_device_properties(DEVICE).multi_processor_count if ON_GPU else 132
    head = {"architecture": architecture, "processors": processors}
    # for every op, the nearest candidates come first
    jobs = [
        (trial, candidate, (trial.op, str(trial.channels), size, candidate))
        for together in itertools.zip_longest(*(trial.candidates for trial in trials))
        for trial, candidate in zip(trials, together, strict=True)
        if candidate is not None
        for size in SIZES
    ]
    workers = min(os.cpu_count() or 1, len(jobs))
    chunks = [jobs[place::workers] for place in range(workers)]
    running = [
        start_pruning({**head, "jobs": [question for *_, question in chunk]}) for chunk in chunks
    ]
    for chunk, process in zip(chunks, running, strict=True):
        faults = answers(process, deadline)
        faults += ["not compiled in time"] * (len(chunk) - len(faults))
        for (trial, candidate, _), fault in zip(chunk, faults, strict=True):
            if fault and candidate in trial.candidates:
                trial.candidates.remove(candidate)
                trial.notes.append(f"{candidate}: {fault}")


def start_pruning(questions: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a process that compiles these candidates."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT / "src", ROOT / "kernels")))
    command = [sys.executable, str(Path(__file__).with_name("prune.py"))]
    with tempfile.TemporaryFile("w+") as file:
        json.dump(questions, file)
        file.seek(0)
        return subprocess.Popen(
            command, env=environment, stdin=file, stdout=subprocess.PIPE, text=True
        )


def answers(process: subprocess.Popen[str], deadline: float) -> list[str]:
    """Return the answers that a process gives before the deadline."""
    try:
        printed, _ = process.communicate(timeout=max(deadline - time.monotonic(), 1))
    except subprocess.TimeoutExpired:
        process.kill()
        printed, _ = process.communicate()
    return [json.loads(line) for line in printed.splitlines() if line.endswith('"')]


def run(trial: Trial, deadline: float) -> None:
    """Time the candidates whose result equals the current one, until the deadline."""
    places = [Place(trial, size) for size in SIZES]
    for candidate in trial.candidates:
        if time.monotonic() > deadline:
            trial.notes.append("out of time")
            break
        try:
            share = share_of_present(trial, candidate, places)
        except FAILURES as error:
            trial.notes.append(f"{candidate}: {error}")
            continue
        trial.tried += 1
        if share < trial.share:
            trial.best, trial.share = candidate, share
    if trial.better:
        # time it again, because the best of many candidates is partly lucky
        trial.share = geometric_mean(
            place.milliseconds(trial.best) / place.milliseconds({}) for place in places
        )


def share_of_present(trial: Trial, candidate: Options, places: list[Place]) -> float:
    """Return the candidate's mean share of the current time; infinity if its result is wrong."""
    shares: list[float] = []
    for place in places:
        if not place.agrees(candidate):
            trial.notes.append(f"{candidate}: WRONG")
            return math.inf
        shares.append(place.milliseconds(candidate) / place.time)
        if shares[0] > HOPELESS:
            return shares[0]
    share = geometric_mean(shares)
    if share < trial.share:
        with launched_with(trial.op, candidate):
            if check_op(trial.op, op_arguments(trial.op, trial.width, ODD)) > 1:
                trial.notes.append(f"{candidate}: WRONG at an odd size")
                return math.inf
    return share


class Place:
    """One op at one size: its arguments, and result and time with the current options."""

    def __init__(self, trial: Trial, size: tuple[int, int]) -> None:
        self.op = trial.op
        self.arguments = op_arguments(trial.op, trial.width, size)
        self.expected = self.results({})
        self.time = self.milliseconds({})

    def results(self, candidate: Options) -> Sequence[torch.Tensor]:
        """Return the op's result with these options."""
        with launched_with(self.op, candidate):
            found = sr_kernels.op(self.op).launch(*self.arguments)
        return (found,) if isinstance(found, torch.Tensor) else found

    def agrees(self, candidate: Options) -> bool:
        """Return whether options change the result by no more than another order of sums would."""
        pairs = zip(self.results(candidate), self.expected, strict=True)
        # comparisons with NaN are false
        return all(
            bool((a - b).abs().max() <= ROUNDINGS * ROUNDING * b.abs().max()) for a, b in pairs
        )

    def milliseconds(self, candidate: Options) -> float:
        """Return the time of one launch."""
        with launched_with(self.op, candidate):
            call = graphed(lambda: repeat(self.op, self.arguments))
            return milliseconds(call, 0.03 if ON_GPU else 0.0) / REPEATS


def repeat(op: str, arguments: Iterable[Any]) -> None:
    """Launch an op `REPEATS` times."""
    launch: Callable[..., object] = sr_kernels.op(op).launch
    for _ in range(REPEATS):
        launch(*arguments)


def written(held: dict[str, dict[str, Options]]) -> str:
    """Return the file's text: a line for each entry."""
    parts = []
    for architecture in sorted(held):
        lines = [f"    {json.dumps(op)}: {json.dumps(options)}"
                 for op, options in sorted(held[architecture].items())]  # fmt: skip
        parts.append(f"  {json.dumps(architecture)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write(trials: list[Trial], path: Path) -> None:
    """Add the better options to the file; keep its other entries."""
    held = {name: dict(ops) for name, ops in _configuration.configurations().items()}
    mine = held.setdefault(_configuration.architecture(DEVICE) or "dry", {})
    mine.update({f"{each.op}/{each.channels}": each.best for each in trials if each.better})
    path.write_text(written({name: ops for name, ops in held.items() if ops}))


def table(trials: list[Trial]) -> str:
    """Return a table of old and new options with their times."""
    lines = ["| op | C | tried | present | best | time, share | |", "|---" * 7 + "|"]
    for each in trials:
        verdict = "kept" if each.better else ""
        cells = (each.op, each.channels, each.tried, each.present, each.best or "-",
                 f"{each.share:.2f}", verdict)  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    notes = [f"- {each.op}/{each.channels} {note}" for each in trials for note in each.notes]
    return "\n".join([*lines, "", *notes, ""])


def main() -> None:
    """Tune ops, print the table, and write the better options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=sr_kernels.names(), help="ops")
    parser.add_argument("--widths", nargs="+", type=Widths.of, default=[*map(Widths.of, WIDTHS)])
    parser.add_argument("--most", type=int, help="largest number of candidates per op and width")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--write", type=Path, help="file to write, instead of the package's")
    given = parser.parse_args()
    path = given.write
    if path is None and ON_GPU:
        path = ROOT / "kernels" / "sr_kernels" / _configuration.FILE
    start = time.monotonic()
    with torch.inference_mode(), sr_kernels.use_kernels("triton"):
        # try the first width for all ops first, because most of a network has it
        pairs = [(op, width) for width in given.widths for op in given.only if width.suits(op)]
        trials = [trial for pair in pairs if (trial := trial_of(*pair, given.most)).present]
        prune(trials, start + 20 * given.minutes)
        for number, trial in enumerate(trials):
            # the remaining trials share the remaining time equally
            now, left = time.monotonic(), len(trials) - number
            run(trial, now + max(start + 60 * given.minutes - now, 0) / left)
            if path:
                write(trials, path)
    print(table(trials))


if __name__ == "__main__":
    main()
