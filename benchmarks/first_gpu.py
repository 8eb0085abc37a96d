"""Make all measurements that need a GPU, in one call of about ten minutes.

    python benchmarks/first_gpu.py --write FOLDER [--minutes 11] [--only PARTS | --skip PARTS]
                                   [--sizes 320x180 2048x2048] [--commit HASH] [--dry]

The script needs this repository, torch, triton, numpy, safetensors, psutil, pytest and hypothesis;
the package need not be installed. It runs these parts in this order:

facts     report the device, its driver, and the available compilers and profilers
compile   compile every op and network, in parallel processes: exit code and seconds of each
run       upscale whole images through the engine, as a user's first run does, with kernels chosen
          automatically; then a stack in stages, with CUDA graphs and without
tests     run the kernel tests, one process for each op, because an illegal access ends its process
table     measure errors, then times of ops and networks, eager and in a CUDA graph (gpu/speed.py)
tune      tune the ops that are slowest compared with their least possible time (gpu/tune.py)
train     train a few steps of a recipe for GPUs, on synthetic images
ncu       profile one launch of bsconv, if the profiler is installed
compiled  time torch.compile, one process for each row, the most important first

Every part runs in a separate process with a time limit, so a part that fails or hangs does not
affect the others. FOLDER gets PART.json and PART.log of each part. It also gets first_gpu.md, which
is written after every part, so that results are kept if the call is cut off. The exit code is 1 if
anything failed.

Without a GPU, or with --dry, every part runs on the CPU in Triton's interpreter at toy sizes, in
under four minutes; the numbers then mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "benchmarks" / "gpu"
NETWORKS = ("bsrn", "bsrn_s", "rfdn", "imdn")
WORST = 3
"""Number of ops to tune."""
COMMIT = "NAPARI_SR_COMMIT"
"""Environment variable that names the commit, for computers without git."""


@dataclass(frozen=True)
class Ran:
    """Result of a process."""

    code: int | None
    """Exit code; None if the time limit was exceeded."""
    seconds: float
    output: str

    @property
    def summary(self) -> dict[str, Any]:
        """Exit code, seconds, and the end of the output if it failed."""
        last = "" if self.code == 0 else " ".join(self.output.split())[-300:]
        return {"code": self.code, "seconds": round(self.seconds, 1), "said": last}


@dataclass
class Run:
    """One call of this script."""

    folder: Path
    dry: bool
    deadline: float
    sizes: list[str]
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds left of the time limit of the whole call."""
        return max(self.deadline - time.monotonic(), 0)

    def call(self, command: Sequence[str | Path], seconds: float) -> Ran:
        """Run a script, or a module (-m), with a time limit."""
        environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTHONUNBUFFERED": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(ROOT / "src"), str(ROOT / "kernels"), environment.get("PYTHONPATH", "")]
        )
        if self.dry:
            environment |= {"CUDA_VISIBLE_DEVICES": "", "TRITON_INTERPRET": "1"}
            environment |= {"OMP_NUM_THREADS": "1"}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=min(seconds, self.left) or 0.1)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # this also ends the processes that it started
            output, code = process.communicate()[0], None
        return Ran(code, time.monotonic() - began, output)

    def call_all(
        self, commands: dict[str, Sequence[str | Path]], seconds: float, workers: int
    ) -> dict[str, Ran]:
        """Run several commands at once; return their results by name."""
        with ThreadPoolExecutor(workers) as pool:
            running = {
                name: pool.submit(self.call, command, seconds) for name, command in commands.items()
            }
            return {name: future.result() for name, future in running.items()}

    def keep(self, part: str, found: Any, log: str) -> None:
        """Write the results of a part, and the summary so far."""
        self.found[part] = found
        (self.folder / f"{part}.json").write_text(json.dumps(found, indent=1))
        (self.folder / f"{part}.log").write_text(log)
        (self.folder / "first_gpu.md").write_text(summary(self.found))


def inside(what: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a part in a process that may import torch."""
    return [SCRIPTS / "first_gpu_inside.py", what, *arguments]


def facts(run: Run) -> None:
    """Report the device and the installed tools."""
    ran = run.call(inside("facts"), 60)
    run.keep("facts", _last_json(ran), ran.output)


def names(run: Run) -> list[str]:
    """Return ops and networks; only one op for a dry run."""
    ops = sorted(path.stem for path in (ROOT / "kernels/sr_kernels").glob("[!_]*.py"))
    return ["gated_residual"] if run.dry else [*NETWORKS, *ops]


def compile_all(run: Run) -> None:
    """Compile all kernels of the following parts into Triton's cache."""
    commands: dict[str, Sequence[str | Path]] = {
        name: [SCRIPTS / "speed.py", "--launch", name] for name in names(run)
    }
    ran = run.call_all(commands, 150, os.cpu_count() or 1)
    run.keep("compile", {name: each.summary for name, each in ran.items()}, _logs(ran))


def engine(run: Run) -> None:
    """Upscale images through the engine, as a user's first run does."""
    ran = run.call(inside("engine"), 120)
    run.keep("run", _last_json(ran), ran.output)


def tests(run: Run) -> None:
    """Run the kernel tests, one process per op."""
    plain = [
        "-m",
        "pytest",
        "-q",
        "-x",
        "-c",
        os.devnull,
        "--rootdir",
        ROOT,
        "-p",
        "no:cacheprovider",
    ]
    folder = ROOT / "tests/kernels"
    commands: dict[str, Sequence[str | Path]] = {}
    for name in (each for each in names(run) if each not in NETWORKS):
        own = folder / f"test_{name}.py"
        contract = [] if run.dry else [folder / "test_contract.py"]
        commands[name] = [*plain, "-k", name, own, *contract]
    if not run.dry:
        commands["networks"] = [*plain, folder / "test_networks.py", folder / "test_self_check.py"]
        commands["graphs"] = [*plain, ROOT / "tests/engine/execution/test_graphs.py"]
    ran = run.call_all(commands, 150, max((os.cpu_count() or 2) // 2, 1))
    run.keep("tests", {name: each.summary for name, each in ran.items()}, _logs(ran))


def table(run: Run) -> None:
    """Check and time ops and networks."""
    toy = ["--only", *names(run)] if run.dry else []
    ran = run.call(
        [SCRIPTS / "speed.py", "--minutes", "0", "--write", run.folder / "gpu", *toy], 200
    )
    run.keep("table", ran.summary, ran.output)


def tune(run: Run) -> None:
    """Tune the ops that are slowest compared with their least possible times."""
    toy = ["--widths", "48", "--most", "1"] if run.dry else ["--widths", "64", "48"]
    minutes = 1 if run.dry else 1.5
    command = [SCRIPTS / "tune.py", "--only", *furthest(run), *toy, "--minutes", f"{minutes}"]
    ran = run.call([*command, "--write", run.folder / "configurations.json"], 60 * minutes + 40)
    run.keep("tune", ran.summary, ran.output)


def furthest(run: Run) -> list[str]:
    """Return the ops whose least possible time is the smallest share of their measured time."""
    path = run.folder / "gpu.json"
    if run.dry or not path.is_file():
        return ["gated_residual"] if run.dry else ["bsconv", "esa_mix", "esa_moments"]
    whole = json.loads(path.read_text())
    shares: dict[str, float] = {}
    for row in whole["results"]:
        times = [time for mode, time in row["milliseconds"].items() if mode.startswith("ours")]
        if row["is_op"] and times and "," not in row["name"]:
            floor = row["bytes"] / whole["ceilings"]["GB/s"] / 1e6
            shares[row["name"]] = floor / min(times)  # the largest size comes last and counts
    return sorted(shares, key=lambda name: shares[name])[:WORST] or ["bsconv"]


def train(run: Run) -> None:
    """Train a few steps."""
    ran = run.call(inside("train", "3" if run.dry else "120"), 90)
    run.keep("train", _last_json(ran), ran.output)


def profile(run: Run) -> None:
    """Profile one launch of bsconv."""
    ncu = shutil.which("ncu")
    if run.dry or ncu is None:
        run.keep("ncu", {"code": 0, "said": "ncu is not installed, or this is a dry run"}, "")
        return
    options = "--clock-control none --kernel-name regex:_kernel --launch-skip 5 --launch-count 1"
    command = [ncu, *options.split(), "--set", "basic", sys.executable, *inside("bsconv")]
    launcher = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    ran = run.call(["-c", launcher, *command], 60)
    run.keep("ncu", ran.summary, ran.output)


def compiled(run: Run) -> None:
    """Time torch.compile, one process per row, while time remains."""
    rows = ["gated_residual"] if run.dry else ["bsrn", "bsrn_s", "rlfn", "rfdn", "imdn", "bsconv"]
    found, logs = {}, {}
    for size in ["20x15"] if run.dry else run.sizes:
        for row in rows:
            if run.left < 15:
                break
            ran = run.call([SCRIPTS / "speed.py", "--compiled", row, "--size", size], 120)
            found[f"{row} {size}"] = {**ran.summary, **(_last_json(ran) if ran.code == 0 else {})}
            logs[f"{row} {size}"] = ran
            run.keep("compiled", found, _logs(logs))


PARTS: dict[str, Callable[[Run], None]] = {
    "facts": facts, "compile": compile_all, "run": engine, "tests": tests, "table": table,
    "tune": tune, "train": train, "ncu": profile, "compiled": compiled,
}  # fmt: skip


def summary(found: dict[str, Any]) -> str:
    """Return the results as Markdown, a section for each part."""
    lines = ["# First figures on a GPU", ""]
    for part, what in found.items():
        lines += [f"## {part}", ""]
        rows = what.items() if isinstance(what, dict) else enumerate(what)
        lines += [f"- {name}: {json.dumps(value)}" for name, value in rows] + [""]
    return "\n".join(lines)


def wrong(found: Any) -> bool:
    """Return whether anything failed or ran out of time."""
    if isinstance(found, dict):
        failed = "code" in found and found["code"] != 0
        return failed or any(map(wrong, found.values()))
    return isinstance(found, list) and any(map(wrong, found))


def _last_json(ran: Ran) -> dict[str, Any]:
    """Return the last line of JSON that a process printed, with its exit code."""
    for line in reversed(ran.output.splitlines()):
        if line.startswith("{"):
            return {**json.loads(line), "code": ran.code, "seconds": round(ran.seconds, 1)}
    return ran.summary


def _logs(ran: dict[str, Ran]) -> str:
    return "\n".join(f"=== {name} ({each.code})\n{each.output}" for name, each in ran.items())


def main() -> int:
    """Run the parts; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, required=True, help="folder for the results")
    parser.add_argument("--minutes", type=float, default=11.0, help="time limit of all parts")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="run only these parts")
    parser.add_argument("--skip", nargs="+", choices=PARTS, default=[], help="skip these parts")
    parser.add_argument("--sizes", nargs="+", default=["320x180"], help="sizes for torch.compile")
    parser.add_argument("--commit", help="the commit, if git is not installed")
    parser.add_argument("--dry", action="store_true", help="run on the CPU, at toy sizes")
    given = parser.parse_args()
    if given.commit:
        os.environ[COMMIT] = given.commit
    given.write.mkdir(parents=True, exist_ok=True)
    dry = given.dry or not _has_gpu()
    run = Run(given.write.resolve(), dry, time.monotonic() + 60 * given.minutes, given.sizes)
    for part, work in PARTS.items():
        if part in (given.only or PARTS) and part not in given.skip:
            began = time.monotonic()
            work(run)
            print(f"{part}: {time.monotonic() - began:.0f} s, {run.left:.0f} s left", flush=True)
    print(summary(run.found)[-8000:])
    return int(wrong(run.found))


def _has_gpu() -> bool:
    """Return whether there is a GPU; check in another process, so that this one never uses it."""
    code = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    return subprocess.call([sys.executable, "-c", code]) == 0


if __name__ == "__main__":
    sys.exit(main())
