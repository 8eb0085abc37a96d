"""What the command line shows on stderr: bars on a terminal, and lines anywhere."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bars

PACKAGE = os.path.dirname(__file__)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show bars on a terminal while inside, and none in a pipe."""
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
    """Write one line above the bars, as it is: no markup, no breaks."""
    line = " ".join(message.split())
    shown.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def warnings_as_lines(shown: Bars) -> Iterator[None]:
    """Show our own warnings as one line each while inside, and others' not at all."""

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
