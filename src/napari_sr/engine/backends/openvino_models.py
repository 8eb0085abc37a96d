"""Compiled segments of OpenVINO: tried in another process, loaded by a thread, kept in memory."""

from __future__ import annotations

import atexit
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch

from napari_sr.engine.backends import library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

CRASHES = {
    getattr(signal, name, None) for name in ("SIGSEGV", "SIGILL", "SIGABRT", "SIGBUS", "SIGFPE")
}
"""Signals of a process that crashed. Others come from a user, or from a system without memory."""
WINDOWS_FLAGS = sum(
    getattr(subprocess, name, 0)
    for name in ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS")
)
"""Neither a window nor Ctrl-C, and a low priority; elsewhere 0."""
LOOK_AGAIN = 0.2
"""Seconds between two looks for a verdict."""
MOST_LOADED = 64
"""Compiled segments in memory; the least recently used goes."""


def configuration() -> dict[str, str]:
    """Return the options of OpenVINO: float32, and as many threads as PyTorch has."""
    return {
        # where a processor has bfloat16 or float16, OpenVINO would take it by itself
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
    }


class Trials:
    """Processes that compile, one after the other."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[tuple[bytes, tuple[str, ...]]] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ended = False
        atexit.register(self.stop)

    def submit(self, content: bytes, names: Sequence[str]) -> None:
        """Have a job done once those before it are."""
        with self._lock:
            self._jobs.put((content, tuple(names)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            content, names = self._jobs.get()
            try:
                if not self._ended:
                    self._do(content, names)
            finally:
                self._jobs.task_done()

    def _do(self, content: bytes, names: Sequence[str]) -> None:
        """Do a job; judge what a process that crashed was trying."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "napari_sr.engine.backends.openvino_trial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=WINDOWS_FLAGS,
            start_new_session=True,  # Ctrl-C in a terminal is not meant for it
        )
        self._process.communicate(content)
        code = self._process.returncode
        if code > 0 or -code in CRASHES:
            untried = [name for name in names if library.verdict_of(name) is None]
            why = f"the process that tried OpenVINO ended with code {code}"
            for name in untried[:1]:  # they are tried in this order
                with suppress(OSError):
                    library.write_verdict(name, library.Verdict(False, why=why))

    def wait(self, seconds: float) -> bool:
        """Wait until all jobs are done, or so long; return whether they are."""
        end = time.monotonic() + seconds
        while self._jobs.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.05)
        return not self._jobs.unfinished_tasks

    def stop(self) -> None:
        """End the process at work, and start no other."""
        self._ended = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


class LoadedModels:
    """Compiled segments in memory, loaded by a thread of their own."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Any] = OrderedDict()
        self._looked: dict[str, float] = {}
        self._verdicts: dict[str, library.Verdict] = {}
        self._loader: ThreadPoolExecutor | None = None

    def knows(self, name: str) -> bool:
        """Return whether a segment was tried."""
        return name in self._models or name in self._verdicts

    def get(self, name: str, *, always: bool) -> Any | library.Verdict | None:
        """Return a compiled segment, a verdict against it, or None where it is not there yet."""
        verdict = self._verdict(name)
        if verdict is None:
            return None
        if not verdict.right or not (always or verdict.faster):
            return verdict
        if name not in self._models:
            if self._loader is None:
                self._loader = ThreadPoolExecutor(1, "napari-sr-openvino")
            self._models[name] = self._loader.submit(_load, name)
            while len(self._models) > MOST_LOADED:
                self._models.popitem(last=False)
        self._models.move_to_end(name)
        future: Future[Any] = self._models[name]
        if not future.done():
            return None
        if future.exception() is not None:
            self._verdicts[name] = library.Verdict(False, why=str(future.exception())[:300])
            return self._verdicts[name]
        return future.result()

    def _verdict(self, name: str) -> library.Verdict | None:
        now = time.monotonic()
        if name not in self._verdicts and now - self._looked.get(name, -1.0) > LOOK_AGAIN:
            self._looked[name] = now
            verdict = library.verdict_of(name)
            if verdict is not None:
                self._verdicts[name] = verdict
        return self._verdicts.get(name)

    def refuse(self, name: str, why: str) -> None:
        """Use a segment no more in this process."""
        self._verdicts[name] = library.Verdict(False, why=why)

    def wait(self) -> None:
        """Wait until all segments that are being loaded are there."""
        wait(list(self._models.values()))


def _load(name: str) -> Any:
    library.touch(name)
    return _core().compile_model(str(library.folder() / f"{name}.xml"), "CPU", configuration())


@lru_cache
def _core() -> Any:
    import openvino

    core = openvino.Core()
    core.set_property({"CACHE_DIR": str(library.folder() / "machine-code")})
    return core


@lru_cache
def engine_version() -> str:
    """Return name and version of the engine, "" where it is not installed; does not import it."""
    try:
        return f"openvino {version('openvino')}"
    except PackageNotFoundError:
        return ""


def installed() -> bool:
    """Return whether OpenVINO is installed."""
    return bool(engine_version())


TRIALS = Trials()
ASKED: set[str] = set()
"""Segments that were handed to a trial in this process."""
LOADED = LoadedModels()


def wait_for_trials(seconds: float = 300.0) -> bool:
    """Wait until all that was wanted is compiled; return whether it is.

    For benchmarks and tests: a run itself never waits.
    """
    done = TRIALS.wait(seconds)
    LOADED.wait()
    return done
