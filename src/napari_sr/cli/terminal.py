"""Progress bars and messages on stderr, and handling of signals."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from rich.progress import Progress as Bars

PACKAGE = os.path.dirname(os.path.dirname(__file__))
"""The folder of our code."""
SIGNALLED = 128
"""A program that a signal ended has this exit code plus the signal's number."""


class Terminated(BaseException):
    """SIGTERM, which schedulers send; like KeyboardInterrupt, it is not an Exception."""


class Stopped(Exception):  # noqa: N818  # no error: the user asked for it
    """A signal ended a run. The user has already been told which files remain.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.code = SIGNALLED + number


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` inside the context, so that nothing unfinished is left."""
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads may not set signal handlers
        return
    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def raise_terminated(number: int, frame: FrameType | None) -> None:
    """Handle SIGTERM.

    Raises
    ------
    Terminated
        Always.
    """
    del number, frame
    raise Terminated


@contextmanager
def bars() -> Iterator[Bars]:
    """Show bars on a terminal inside the context, and none in a pipe."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as shown:
        yield shown


def tell(shown: Bars, message: str) -> None:
    """Write one line above the bars, without markup or line breaks; nothing if it is empty."""
    line = " ".join(message.split())
    if not line:
        return
    shown.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def warnings_as_lines(shown: Bars) -> Iterator[None]:
    """Show our own warnings as one line each inside the context, and hide all others."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning) and filename.startswith(PACKAGE):
            tell(shown, f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
