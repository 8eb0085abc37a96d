"""The program `napari-sr`: it runs a command, and reports a failure in one line."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn, cast

import typer

from napari_sr.cli import terminal
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.zoo.download import DownloadError

FAILED = 2
INTERRUPTED, TERMINATED = (terminal.SIGNALLED + signal.SIGINT, terminal.SIGNALLED + signal.SIGTERM)
"""Exit codes of programs that Ctrl-C or SIGTERM ended: 130 and 143."""
WORDS = {INTERRUPTED: "Interrupted", TERMINATED: "Terminated"}


def main() -> NoReturn:
    """Run a command. Exit codes: 2 after an error, 130 after Ctrl-C, 143 after SIGTERM."""
    try:
        with terminal.terminable():
            code = _run()
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except terminal.Terminated:
        code = TERMINATED
    if code in WORDS:
        typer.echo(f"{WORDS[code]}: nothing was written.", err=True)
    sys.exit(code)


def _run() -> int:
    """Run the command of the arguments; return its exit code."""
    # typer exports only a subclass of its library's class
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        return app(standalone_mode=False) or 0
    except terminal.Stopped as stopped:
        sys.exit(stopped.code)
    except usage_error as error:
        return _failed(error.format_message())  # type: ignore[attr-defined]  # see above
    except OSError as error:
        known = error.filename and error.strerror
        return _failed(f"{error.filename}: {error.strerror}" if known else _words(error))
    except (RuntimeError, MemoryError) as error:
        return _failed(_of_memory(error))
    except (CommandError, DownloadError, ValueError) as error:
        return _failed(_words(error))


def _of_memory(error: RuntimeError | MemoryError) -> str:
    """Return an error's message, or our own message if memory ran out."""
    from napari_sr.engine.planning.budget import explain_memory_errors  # brings torch
    from napari_sr.engine.planning.devices import OutOfMemoryError

    try:
        with explain_memory_errors("the command ran"):
            raise error
    except (RuntimeError, OutOfMemoryError) as told:
        return _words(told)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _failed(message: str) -> int:
    typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return FAILED
