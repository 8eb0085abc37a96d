"""Read thousands of damaged and inconsistent files, and report any that are not handled safely.

    python benchmarks/cpu/fuzz.py --count 10000 [--seed 0] [--kind png] [--keep FOLDER] > table.md

The same seed and number give the same file. Another process reads the files, and is started again
if it dies. A file must either be read, or be refused with the documented error. Reading must not
crash or hang the process, use much memory, or leave a file behind. `--keep` saves files that fail.
fuzz.md has the results of the last long run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

SECONDS = 5.0
"""Seconds of processor time allowed for one file."""
PATIENCE = 60.0
"""Seconds on the clock after which a process is ended; long, because other programs may run."""
MEMORY = 1 << 30
"""Bytes of additional memory allowed for one file."""
CHECKPOINTS = ("pth", "pth, legacy", "safetensors", "card", "npz", "mat")
NAME = "input"


@dataclass(frozen=True)
class Outcome:
    """Result of one file."""

    verdict: str
    """"read", "refused", or the fault."""
    message: str = ""


@dataclass
class Tally:
    """Counts of one kind of file."""

    verdicts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def judge(kind: str, path: Path) -> Outcome:
    """Read a file; everything except success and the documented errors is a fault."""
    began, started = time.process_time(), _memory(reset=True)
    try:
        outcome = _READERS[kind](path)
    except BaseException as error:  # noqa: BLE001  # any exception is a fault to report
        where = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
        outcome = Outcome("exception", f"{name}: {str(error)[:200]}")
    seconds, more = time.process_time() - began, _memory() - started
    left = sorted(str(one.relative_to(path.parent)) for one in path.parent.rglob("*"))
    if seconds > SECONDS:
        return Outcome("slow", f"{seconds:.1f} s")
    if more > MEMORY:
        return Outcome("memory", f"{more >> 20} MiB")
    if left != [path.name]:
        return Outcome("file left", ", ".join(left))
    return outcome


def _read_checkpoint(path: Path) -> Outcome:
    import napari_sr
    from napari_sr.zoo import trained
    from napari_sr.zoo.checkpoint import CheckpointError, open_checkpoint

    trained.networks()  # a damaged file in the folder must not break the list
    try:
        open_checkpoint(path)
    except CheckpointError as error:
        return Outcome("refused", str(error))
    with suppress(ValueError):  # the tensors match no network
        napari_sr.load(path, 2)
    return Outcome("read")


def _read_image(path: Path) -> Outcome:
    from napari_sr.files import formats
    from napari_sr.files.image import FileError

    try:
        image = formats.read(path)
    except FileError as error:
        return Outcome("refused", str(error))
    sum(part.nbytes for part in (image.pixels,))
    return Outcome("read")


def _read_recipe(path: Path) -> Outcome:
    from napari_sr.training import recipe

    try:
        recipe.read(path)
    except recipe.RecipeError as error:
        return Outcome("refused", str(error))
    return Outcome("read")


_READERS: dict[str, Callable[[Path], Outcome]] = {
    **dict.fromkeys(CHECKPOINTS, _read_checkpoint),
    **dict.fromkeys(("png", "tiff", "jpeg"), _read_image),
    "toml": _read_recipe,
}


def _memory(*, reset: bool = False) -> int:
    """Return the peak memory of this process since the last reset, in bytes."""
    with suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def inputs(count: int, seed: int, kinds: list[str]) -> Any:
    """Yield number, kind and content of each mutated file."""
    from fuzz_mutations import mutated
    from fuzz_samples import samples

    valid = samples()
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        kind = kinds[number % len(kinds)]
        yield number, kind, mutated(rng.choice(valid[kind]), kind, rng)


def work(connection: Connection, folder: str) -> None:
    """Read and judge files until there are no more."""
    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.environ["NAPARI_SR_NETWORKS"] = folder
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{folder}-torch"  # outside the folder that is checked
    tempfile.tempdir = folder
    # an allocation of more than 8 GB fails, before it can stop the machine
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + (8 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # hides messages of libraries
    with suppress(EOFError):
        while True:
            kind, name = connection.recv()
            connection.send(judge(kind, Path(folder) / name))


class Worker:
    """A process that reads and judges files, and is started again if it dies."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="napari-sr-fuzz-"))
        self._here, there = self._context.Pipe()
        self._process = self._context.Process(target=work, args=(there, str(self._folder)))
        self._process.start()
        there.close()

    def judge(self, kind: str, content: bytes) -> Outcome:
        """Return the result of a file."""
        name = f"{NAME}.safetensors" if kind in CHECKPOINTS else NAME
        (self._folder / name).write_bytes(content)
        try:
            self._here.send((kind, name))
            outcome: Outcome = (
                self._here.recv() if self._here.poll(PATIENCE) else Outcome("hang", f"{PATIENCE} s")
            )
        except (EOFError, OSError):
            self._process.join()
            outcome = Outcome("crash", f"exit code {self._process.exitcode}")
        with suppress(FileNotFoundError):
            (self._folder / name).unlink()
        if outcome.verdict in ("hang", "crash", "file left", "memory"):
            self.end()
            self._start()
        return outcome

    def end(self) -> None:
        """End the process, and remove its folder."""
        self._process.kill()
        self._process.join()
        self._here.close()
        shutil.rmtree(self._folder)
        shutil.rmtree(f"{self._folder}-torch", ignore_errors=True)


def run(count: int, seed: int, kinds: list[str], keep: Path | None) -> dict[str, Tally]:
    """Judge mutated files in another process; return the counts of each kind of file."""
    tallies = {kind: Tally() for kind in kinds}
    worker = Worker()
    try:
        for number, kind, content in inputs(count, seed, kinds):
            outcome = worker.judge(kind, content)
            tallies[kind].verdicts[outcome.verdict] += 1
            if outcome.verdict not in ("read", "refused"):
                fault = f"{number} ({kind}): {outcome.verdict}, {outcome.message}"
                tallies[kind].faults.append(fault)
                print(fault, file=sys.stderr, flush=True)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}-{number}.{kind.partition(',')[0]}").write_bytes(content)
    finally:
        worker.end()
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """Return Markdown: a row for each kind of file, then a list of all faults."""
    rows = ["| kind | inputs | refused | read | faults |", "|---|---|---|---|---|"]
    for kind, tally in tallies.items():
        counts = tally.verdicts
        shown = f"{counts.total()} | {counts['refused']} | {counts['read']} | {len(tally.faults)}"
        rows.append(f"| {kind} | {shown} |")
    faults = [f"* {fault}" for tally in tallies.values() for fault in tally.faults]
    return "\n".join([*rows, "", *faults])


def main() -> int:
    """Read the command line, judge files, and print the table; return the number of faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=_READERS, action="append")
    parser.add_argument("--keep", type=Path, help="folder in which to save files that fail")
    given = parser.parse_args()
    began, measured = time.perf_counter(), commit()
    tallies = run(given.count, given.seed, given.kind or list(_READERS), given.keep)
    import torch

    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    print(
        f"{time.strftime('%Y-%m-%d')}, commit {measured}, {versions}, seed {given.seed}, "
        f"{time.perf_counter() - began:.0f} s\n\n{table(tallies)}"
    )
    return min(sum(len(tally.faults) for tally in tallies.values()), 100)


if __name__ == "__main__":
    sys.exit(main())
