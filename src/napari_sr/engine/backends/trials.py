"""Processes that try segments, one after the other."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from typing import IO, TYPE_CHECKING

from napari_sr.engine.backends import library

if TYPE_CHECKING:
    from collections.abc import Sequence

CRASHES = {
    getattr(signal, name, None) for name in ("SIGSEGV", "SIGILL", "SIGABRT", "SIGBUS", "SIGFPE")
}
"""Signals of a crash. Other signals come from a user, or from a system without free memory."""
WINDOWS_FLAGS = sum(
    getattr(subprocess, name, 0)
    for name in ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS")
)
"""Options for Windows: no window, no Ctrl-C, a low priority. 0 on other systems."""
CAN_START = bool(sys.executable) and not getattr(sys, "frozen", False)
"""Whether `sys.executable` is Python, and not an application that contains it."""
MOST_WAITING = 4
"""Largest number of waiting jobs. Each holds a network in memory, and with images of many sizes,
jobs may arrive faster than trials end."""
MOST_SECONDS_EACH = 300.0
"""A trial of a segment ends its process after this many seconds."""
COMMAND = (sys.executable, "-P", "-m", "napari_sr.engine.backends.trial")
"""The command of a trial. Without -P, a file torch.py in the current folder would be imported."""


class Trials:
    """Processes that try segments, one after the other."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[tuple[bytes, tuple[str, ...]]] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._delivered = False
        atexit.register(self.stop)

    def submit(self, content: bytes, names: Sequence[str]) -> None:
        """Queue a job; it starts when the jobs before it are done."""
        with self._lock:
            self._jobs.put((content, tuple(names)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    @property
    def full(self) -> bool:
        """Whether the queue is full; then no other job should be submitted."""
        return self._jobs.unfinished_tasks >= MOST_WAITING

    def _work(self) -> None:
        while True:
            content, names = self._jobs.get()
            try:
                if not self._ended and CAN_START:
                    with suppress(OSError, MemoryError):  # without a process, nothing is compiled
                        self._do(content, names)
            finally:
                self._jobs.task_done()

    def _do(self, content: bytes, names: Sequence[str]) -> None:
        """Run a job in a process; if it crashes, write a verdict on the segment that it tried."""
        began = time.monotonic()
        file = _in_memory(content)
        self._delivered = file is not None
        with file or nullcontext():
            self._process = subprocess.Popen(
                [*COMMAND, str(os.getpid())],
                stdin=subprocess.PIPE if file is None else file,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=WINDOWS_FLAGS,
                start_new_session=True,  # Ctrl-C in a terminal must not reach it
            )
        self._process.communicate(content if file is None else None)
        code = self._process.returncode
        if code > 0 or -code in CRASHES:
            untried = [name for name in names if library.verdict_of(name) is None]
            seconds = time.monotonic() - began
            late = code == 1 and seconds > MOST_SECONDS_EACH
            took = f"its trial took more than {MOST_SECONDS_EACH:g} s"
            why = took if late else f"the process that tried it ended with code {code}"
            claimed = [name for name in untried if library.is_tried_by(name, self._process.pid)]
            # if the process could not start, it will not start for the other segments either
            for name in claimed or untried[:1]:
                with suppress(OSError):
                    library.write_verdict(name, library.Verdict(False, why=why, late=late))

    def wait(self, seconds: float) -> bool:
        """Wait at most this long for all jobs; return whether they are done."""
        end = time.monotonic() + seconds
        while self._jobs.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.05)
        return not self._jobs.unfinished_tasks

    def stop(self) -> None:
        """Start no more processes, and end the current one if it has not received its job yet.

        A process that has its job runs on for at most about `trial.MOST_SECONDS_ALONE`. So even a
        command that takes one second gets its network compiled, for the next command.
        """
        self._ended = True
        if self._process is not None and self._process.poll() is None and not self._delivered:
            self._process.kill()


def _in_memory(content: bytes) -> IO[bytes] | None:
    """Return bytes as a file in memory, or None if the system has no such files."""
    if not hasattr(os, "memfd_create"):
        return None
    file = os.fdopen(os.memfd_create("napari-sr"), "w+b")
    file.write(content)
    file.seek(0)
    return file


TRIALS = Trials()
ASKED: set[str] = set()
"""Segments for which this process has requested trials."""
