"""Progress bars and messages on stderr, and handling of signals."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO, TypeVar

from napari_sr.runs import run
from napari_sr.runs.spelling import as_options

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from types import FrameType

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from napari_sr.batch.job import FileStep
    from napari_sr.engine.execution.context import Progress

Result = TypeVar("Result")

PACKAGE = os.path.dirname(os.path.dirname(__file__))
"""The folder of our code."""
FAILED = 2
"""Exit code after an error."""
SIGNALLED = 128
"""The exit code of a program ended by a signal is this number plus the signal's."""

_ABOUT: ContextVar[str] = ContextVar("about", default="")
"""Name of the file that this thread's messages are about."""
_OPTIONS: ContextVar[Mapping[str, str]] = ContextVar("options", default=MappingProxyType({}))
"""Options of the running command, by the names of the arguments."""


class Terminated(BaseException):
    """SIGTERM, which schedulers send; like KeyboardInterrupt, not a subclass of Exception."""


class Stopped(Exception):  # noqa: N818  # not an error: the user asked to stop
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
    """Context: the first Ctrl-C raises KeyboardInterrupt, the first SIGTERM `Terminated`.

    Further ones do nothing, so that the removal of unfinished files is never cut short; after a
    signal, this lasts beyond the context, because the process is ending. A process that was
    started to ignore Ctrl-C still does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads may not set signal handlers
        return
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, raise_once) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            arrived = signal.getsignal(number) is do_nothing
            signal.signal(number, signal.SIG_IGN if arrived else handler)


def raise_once(number: int, frame: FrameType | None) -> None:
    """Handle the first signal of its kind by an exception, and ignore the next.

    Raises
    ------
    KeyboardInterrupt
        If the signal is SIGINT.
    Terminated
        If it is another one.
    """
    del frame
    # not SIG_IGN: a signal that waits for its handler meanwhile would be reported as a fault
    signal.signal(number, do_nothing)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def do_nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal that arrives while this process is ending."""


@contextmanager
def bars() -> Iterator[Bars]:
    """Context: show progress bars on a terminal; show none in a pipe."""
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


def speak_of(options: Mapping[str, str]) -> None:
    """Let all later messages of this context name a command's options, not Python's arguments.

    Parameters
    ----------
    options : mapping of str to str
        Options by the names of the arguments, such as {"scale": "--scale"}.
    """
    _OPTIONS.set(options)


def in_options(message: str) -> str:
    """Return a message that names the options of the running command."""
    return as_options(message, _OPTIONS.get())


@contextmanager
def about(name: str) -> Iterator[None]:
    """Context: all messages of this thread begin with a file's name."""
    token = _ABOUT.set(name)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def tell(shown: Bars, message: str, name: str = "") -> None:
    """Write a message as one line above the bars, without markup; skip an empty message.

    Parameters
    ----------
    shown : Bars
        The bars.
    message : str
        The message.
    name : str
        The file that the message is about. A name that the context `about` has set replaces it.
    """
    line = " ".join(in_options(message).split())
    if not line:
        return
    name = _ABOUT.get() or name
    line = f"{name}: {line}" if name else line
    shown.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def drive(steps: Generator[Progress, None, Result], shown: Bars, what: str) -> Result:
    """Run a generator to its end with a progress bar; show its messages.

    Parameters
    ----------
    steps : generator
        The generator to run; it is closed at the end.
    shown : Bars
        Where the bar appears.
    what : str
        The unit that is counted, such as "tiles".
    """
    bar = shown.add_task(what, total=None)

    def show(step: Progress) -> None:
        shown.update(bar, completed=step.done, total=step.total)
        tell(shown, step.message)

    try:
        return run.drive(steps, show)
    finally:
        shown.remove_task(bar)


def drive_file(steps: Generator[FileStep, None, Result], shown: Bars) -> Result:
    """Run a generator that yields an image file's progress; show a bar for each unit.

    Parameters
    ----------
    steps : generator
        The generator to run; it is closed at the end.
    shown : Bars
        Where bars and messages appear.
    """
    units: dict[str, TaskID] = {}

    def show(step: FileStep) -> None:
        if step.unit and step.unit not in units:
            _remove(units, shown)
            units[step.unit] = shown.add_task(step.unit, total=None)
        if step.unit:
            shown.update(units[step.unit], completed=step.done, total=step.total)
        tell(shown, step.message, step.about)

    try:
        return run.drive(steps, show)
    finally:
        _remove(units, shown)


def _remove(units: dict[str, TaskID], shown: Bars) -> None:
    for bar in units.values():
        shown.remove_task(bar)
    units.clear()


@contextmanager
def warnings_as_lines(shown: Bars) -> Iterator[None]:
    """Context: show each of our warnings as one line, and hide all others."""
    # read now: other threads may warn, but cannot read these values
    name, options = _ABOUT.get(), _OPTIONS.get()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning) and filename.startswith(PACKAGE):
            tell(shown, f"Warning: {as_options(str(message), options)}", name)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
