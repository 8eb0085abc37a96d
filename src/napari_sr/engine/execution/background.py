"""Run steps beside a window without making it wait.

A window's thread shares the cores with PyTorch's, and waits for one where all have the same
priority; docs/memory.md has how long, with and without.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PRIORITIES_ARE_INHERITED = sys.platform.startswith("linux")
"""Whether threads have priorities of their own, and those that they start have the same."""
NICENESS = 5
"""Added to the priority number of threads on Linux; 19 is the most, and starves beside other
programs."""

Step = TypeVar("Step")
Result = TypeVar("Result")


def in_background(steps: Generator[Step, None, Result]) -> Generator[Step, None, Result]:
    """Run a generator in a thread of its own that gives way to others.

    On Linux, the thread and those that PyTorch starts from it have a lower priority; elsewhere,
    where priorities are not inherited, PyTorch leaves one core free.

    Parameters
    ----------
    steps : generator
        Whatever it does happens in that one thread, closing it included.

    Yields
    ------
    object
        What `steps` yields.

    Returns
    -------
    object
        What `steps` returns.
    """
    with ThreadPoolExecutor(1, "napari-sr", _give_way) as thread, _one_core_left(thread):
        try:
            while True:
                going_on, value = thread.submit(_next, steps).result()
                if not going_on:
                    return value  # type: ignore[return-value]  # what the generator returned
                yield value  # type: ignore[misc]  # what it yielded
        finally:
            thread.submit(steps.close).result()


def _next(steps: Generator[Step, None, Result]) -> tuple[bool, Step | Result]:
    """Return whether a generator goes on, with what it yields, or else returns."""
    try:
        return True, next(steps)
    except StopIteration as end:
        result: Result = end.value
        return False, result


def _give_way() -> None:
    """Lower the priority of this thread, for good, where threads that it starts inherit that."""
    if PRIORITIES_ARE_INHERITED:
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(
                os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            )


@contextmanager
def _one_core_left(thread: ThreadPoolExecutor) -> Iterator[None]:
    """Let PyTorch use all cores but one in a thread, where priorities are not inherited."""
    before = torch.get_num_threads()
    if PRIORITIES_ARE_INHERITED or before < 2:
        yield
        return
    thread.submit(torch.set_num_threads, before - 1).result()
    try:
        yield
    finally:
        thread.submit(torch.set_num_threads, before).result()
