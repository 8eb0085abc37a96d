"""Compute blocks with several processes on this machine.

Workers read, compute and write; only block numbers are sent to them. If a worker is lost, another
one computes its blocks again.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.context import Progress
from napari_sr.engine.execution.pace import Pace
from napari_sr.files.image import FileError
from napari_sr.streaming.report import Report

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

TOGETHER = 8
"""Largest number of blocks that a worker gets at a time; if it is lost, they are computed again."""
LOSSES = 3
"""Number of workers that may be lost before a run gives up."""
COMMAND = (sys.executable, "-P", "-m", "napari_sr.streaming.worker")


def batches(numbers: Sequence[int], workers: int) -> list[list[int]]:
    """Cut block numbers into lists for workers, so short that all workers end at similar times."""
    size = max(1, min(TOGETHER, len(numbers) // (4 * workers)))
    return [list(numbers[at : at + size]) for at in range(0, len(numbers), size)]


def run_workers(
    result: Path, numbers: Sequence[int], count: int, handles: tuple[int, ...] = ()
) -> Generator[Progress, None, Report]:
    """Compute blocks of an unfinished result with several processes on this machine.

    Closing the generator ends the processes.

    Parameters
    ----------
    result : Path
        Folder of the unfinished result.
    numbers : sequence of int
        Indices of its missing blocks.
    count : int
        Number of processes.
    handles : tuple of int
        Handles of open files that each process inherits.

    Yields
    ------
    Progress
        Progress after every block, and whenever a worker is lost; then `message` says so.

    Returns
    -------
    Report
        Notes and counts for the user.

    Raises
    ------
    FileError
        If a worker reports an error, or too many workers were lost.
    """
    pool = _Pool(result, batches(numbers, count), handles)
    report = Report()
    pace, done, total = Pace(), 0, len(numbers)
    try:
        for number in range(min(count, len(pool.waiting))):
            pool.start(number, count)
        while pool.running:
            worker, answer = pool.answers.get()
            message = ""
            if "done" in answer:
                worker.blocks.remove(answer["done"])
                done += 1
            elif "error" in answer:
                raise FileError(answer["error"])
            elif "report" in answer:
                report.merge(Report.from_json(answer["report"]))
                pool.give(worker)
            else:
                message = pool.lost(worker, count)
            share = done / total
            yield Progress(done, total, message, share, pace.seconds_left(share))
    finally:
        pool.end()
    return report


class _Worker:
    """A worker process, and the blocks that it has not finished yet."""

    def __init__(self, number: int, process: subprocess.Popen[str]) -> None:
        self.number = number
        self.process = process
        self.blocks: list[int] = []


class _Pool:
    """The worker processes of a run."""

    def __init__(self, result: Path, waiting: list[list[int]], handles: tuple[int, ...]) -> None:
        self._result = result
        self._handles = handles
        self._losses = 0
        self.waiting = deque(waiting)
        """Lists of blocks that no worker has yet."""
        self.running: list[_Worker] = []
        self.answers: queue.Queue[tuple[_Worker, dict[str, Any]]] = queue.Queue()
        """Lines from the workers; an empty line means that a worker has ended."""

    def start(self, number: int, count: int) -> None:
        """Start one of `count` workers, and give it blocks."""
        threads = max(1, (os.cpu_count() or 1) // count)
        process = subprocess.Popen(
            [*COMMAND, str(self._result), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **_one_device(number)},
            pass_fds=self._handles,
            start_new_session=True,  # Ctrl-C in a terminal reaches this process only
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        worker = _Worker(number, process)
        self.running.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self.give(worker)

    def _listen(self, worker: _Worker) -> None:
        with suppress(ValueError), worker.process.stdout or nullcontext(()) as lines:
            for line in lines:  # the last line may be cut off if the worker was killed
                self.answers.put((worker, json.loads(line)))
        self.answers.put((worker, {}))

    def give(self, worker: _Worker) -> None:
        """Send the next blocks to a worker, or let it end if there are none."""
        stdin = worker.process.stdin
        if stdin is None:
            return
        try:
            if self.waiting:
                worker.blocks = self.waiting.popleft()
                stdin.write(f"{json.dumps(worker.blocks)}\n")
            else:
                stdin.close()
        except OSError:
            pass  # the worker has died: its output ends, and `lost` will be called

    def lost(self, worker: _Worker, count: int) -> str:
        """Handle a worker's end: if it left blocks, replace it and return a message.

        Raises
        ------
        FileError
            If too many workers were lost.
        """
        self.running.remove(worker)
        code = _ended(worker)
        if not worker.blocks and not self.waiting:
            return ""
        self._losses += 1
        if self._losses > LOSSES:
            raise FileError(
                f"{self._losses} workers were lost, the last one with exit code {code}: finished "
                "blocks are kept; free some memory, choose fewer workers, and continue with "
                "--resume"
            )
        if worker.blocks:
            self.waiting.appendleft(worker.blocks)
        self.start(worker.number, count)
        return f"a worker was lost (exit code {code}): its blocks are computed again"

    def end(self) -> None:
        """End all processes."""
        for worker in self.running:
            worker.process.kill()
        for worker in self.running:
            _ended(worker)


def _ended(worker: _Worker) -> int:
    """Wait until a worker has ended; return its exit code."""
    with suppress(OSError):
        if worker.process.stdin is not None:
            worker.process.stdin.close()
    return worker.process.wait()


def _one_device(number: int) -> dict[str, str]:
    """Return the environment variables that assign one of several GPUs to a worker."""
    import torch

    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(device) for device in range(count)]
    return {"CUDA_VISIBLE_DEVICES": names[number % len(names)]} if count > 1 else {}


def part_of(numbers: Sequence[int], part: tuple[int, int], total: int) -> list[int]:
    """Return the indices of the missing blocks that part I of N computes, for job arrays.

    Parameters
    ----------
    numbers : sequence of int
        Indices of the missing blocks.
    part : (int, int)
        I and N, with 1 <= I <= N.
    total : int
        Number of all blocks, done or not. Parts are cut from all blocks, so they never overlap.
    """
    index, count = part
    return [number for number in numbers if number * count // total == index - 1]
