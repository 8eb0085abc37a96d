"""Run a generator in a background thread, so that a window stays responsive.

PyTorch's threads keep all cores busy. If all threads have the same priority, the window's thread
has to wait for a core. docs/memory.md has measurements with and without this module.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PRIORITIES_ARE_INHERITED = sys.platform.startswith("linux")
"""Whether each thread has its own priority, which the threads that it starts inherit."""
NICENESS = 5
"""Number added to the nice value of threads on Linux. With the largest number, 19, these threads
would not get to run while other programs are busy."""

Step = TypeVar("Step")
Result = TypeVar("Result")


def in_background(steps: Generator[Step, None, Result]) -> Generator[Step, None, Result]:
    """Run a generator in a separate thread with low priority.

    On Linux, the thread and the threads that PyTorch starts from it have a lower priority. On other
    systems, where priorities are not inherited, PyTorch leaves one core free.

    Parameters
    ----------
    steps : generator
        The generator; it runs and is closed in that thread.

    Yields
    ------
    object
        What `steps` yields.

    Returns
    -------
    object
        What `steps` returns.
    """
    context = copy_context()  # the thread sees whether this thread's work is cancelled
    with (
        ThreadPoolExecutor(1, "napari-sr", _lower_priority) as thread,
        _leave_one_core_free(thread),
    ):
        try:
            while True:
                yielded, value = thread.submit(context.run, _next, steps).result()
                if not yielded:
                    return value  # type: ignore[return-value]  # what the generator returned
                yield value  # type: ignore[misc]  # what it yielded
        finally:
            thread.submit(context.run, steps.close).result()


def _next(steps: Generator[Step, None, Result]) -> tuple[bool, Step | Result]:
    """Return (True, value) if a generator yields a value, or (False, result) if it returns."""
    try:
        return True, next(steps)
    except StopIteration as end:
        result: Result = end.value
        return False, result


def _lower_priority() -> None:
    """Lower the priority of this thread permanently, if its child threads inherit the priority."""
    if PRIORITIES_ARE_INHERITED:
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(
                os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            )


@contextmanager
def _leave_one_core_free(thread: ThreadPoolExecutor) -> Iterator[None]:
    """Let PyTorch use all cores but one in a thread, if priorities are not inherited."""
    before = torch.get_num_threads()
    if PRIORITIES_ARE_INHERITED or before < 2:
        yield
        return
    thread.submit(torch.set_num_threads, before - 1).result()
    try:
        yield
    finally:
        thread.submit(torch.set_num_threads, before).result()
