"""Let another thread cancel the opening or the run of a foreign network.

A package is tried for minutes, and its program may never end. Neither yields progress, so both ask
here whether they are still wanted.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CANCELLED: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)
PAUSE = 0.1
"""Seconds between two questions whether a call is still wanted."""


class CancelledError(Exception):
    """The user does not want the answer any more."""


@contextmanager
def cancelled_if(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let what this thread does meanwhile ask a function whether it is cancelled."""
    before = _CANCELLED.set(cancelled)
    try:
        yield
    finally:
        _CANCELLED.reset(before)


def check_cancelled() -> None:
    """Raise an error if this thread's work is cancelled.

    Raises
    ------
    CancelledError
        If it is.
    """
    cancelled = _CANCELLED.get()
    if cancelled is not None and cancelled():
        raise CancelledError("cancelled")


@contextmanager
def stopped_if_cancelled(stop: Callable[[], object]) -> Iterator[None]:
    """Call a function from another thread if this thread's work is cancelled meanwhile.

    Parameters
    ----------
    stop : callable
        Makes the call end that blocks this thread.

    Raises
    ------
    CancelledError
        If the work was cancelled.
    """
    cancelled = _CANCELLED.get()
    if cancelled is None:
        yield
        return
    check_cancelled()
    ended = Event()

    def watch() -> None:
        while not ended.wait(PAUSE):
            if cancelled():
                stop()
                return

    watcher = Thread(target=watch, name="napari-sr cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        check_cancelled()  # replaces the error with which a stopped call ends
