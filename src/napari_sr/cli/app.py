"""The program `napari-sr`: run a command, and report a failure in one line."""

from __future__ import annotations

import signal
import sys
from contextvars import copy_context
from typing import NoReturn, cast

import typer

from napari_sr.cli import terminal
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.runs.failure import EXPECTED, in_words

INTERRUPTED, TERMINATED = (terminal.SIGNALLED + signal.SIGINT, terminal.SIGNALLED + signal.SIGTERM)
"""Exit codes after Ctrl-C and after SIGTERM: 130 and 143."""
WORDS = {INTERRUPTED: "Interrupted", TERMINATED: "Terminated"}


def main() -> NoReturn:
    """Run a command. Exit codes: 2 after an error, 130 after Ctrl-C, 143 after SIGTERM."""
    with terminal.terminable():
        try:
            code = copy_context().run(_run)  # what a command sets is over with it
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except terminal.Terminated:
            code = TERMINATED
        if code in WORDS:
            typer.echo(f"{WORDS[code]}: nothing was written.", err=True)
    sys.exit(code)


def _run() -> int:
    """Run the command that the arguments name; return its exit code."""
    # typer exports BadParameter, but not its base class UsageError
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        return app(standalone_mode=False) or 0
    except terminal.Stopped as stopped:
        sys.exit(stopped.code)
    except usage_error as error:
        return _failed(error.format_message())  # type: ignore[attr-defined]  # see above
    except CommandError as error:  # speaks of options already
        return _failed(in_words(error))
    except EXPECTED as error:
        return _failed(terminal.in_options(in_words(error)))


def _failed(message: str) -> int:
    typer.echo(f"Error: {' '.join(message.split())}", err=True)
    return terminal.FAILED
