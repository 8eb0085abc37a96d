"""Progress bars and messages on stderr, and handling of signals."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO, TypeVar

from napari_sr.runs import run

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

    from rich.progress import Progress as Bars

    from napari_sr.engine.execution.context import Progress

Result = TypeVar("Result")

PACKAGE = os.path.dirname(os.path.dirname(__file__))
"""The folder of our code."""
FAILED = 2
"""Exit code after an error."""
SIGNALLED = 128
"""A program that a signal ended has this exit code plus the signal's number."""

_ABOUT: ContextVar[str] = ContextVar("about", default="")
"""Name of the file that messages are about."""


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
        self.number = number
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


@contextmanager
def about(name: str) -> Iterator[None]:
    """Begin all messages of this thread with a file's name inside the context."""
    token = _ABOUT.set(name)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def tell(shown: Bars, message: str, name: str = "") -> None:
    """Write one line above the bars, without markup or line breaks; nothing if it is empty.

    Parameters
    ----------
    shown : Bars
        The bars.
    message : str
        What to tell.
    name : str
        What it is about; inside `about`, the name given there.
    """
    line = " ".join(message.split())
    if not line:
        return
    name = _ABOUT.get() or name
    line = f"{name}: {line}" if name else line
    shown.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def drive(steps: Generator[Progress, None, Result], shown: Bars, what: str) -> Result:
    """Run a generator to its end with a bar; tell its messages.

    Parameters
    ----------
    steps : generator
        The generator to run; it is closed at the end.
    shown : Bars
        Where the bar appears.
    what : str
        What is counted, such as "tiles".
    """
    bar = shown.add_task(what, total=None)

    def show(step: Progress) -> None:
        shown.update(bar, completed=step.done, total=step.total)
        tell(shown, step.message)

    try:
        return run.drive(steps, show)
    finally:
        shown.remove_task(bar)


@contextmanager
def warnings_as_lines(shown: Bars) -> Iterator[None]:
    """Show our own warnings as one line each inside the context, and hide all others."""
    name = _ABOUT.get()  # other threads warn, too

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning) and filename.startswith(PACKAGE):
            tell(shown, f"Warning: {message}", name)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
