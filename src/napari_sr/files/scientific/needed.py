"""Import optional packages that read and write files, and turn their errors into one sentence."""

from __future__ import annotations

import struct
import sys
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNREADABLE = (
    OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, ArithmeticError,
    AttributeError, AssertionError, EOFError, struct.error,
)  # fmt: skip
"""Built-in exceptions that the packages raise for broken files."""
LEFT_OUT = {"bioio_czi": (3, 14)}
"""The first Python for which the extra leaves a package out, because it has no wheels there."""


def needed(module: str, kind: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    module : str
        The module to import.
    kind : str
        The kind of file that needs the package, for the message.

    Raises
    ------
    FileError
        If the package is not installed; the message names the extra to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0].replace("_", "-")
        advice = "pip install 'napari-sr[formats]'"
        if (first := LEFT_OUT.get(module)) and sys.version_info >= first:
            advice = f"use a Python older than {first[0]}.{first[1]}, for which it is published"
        raise FileError(f"{kind} files need the package {name}: {advice}") from error


@contextmanager
def reading(path: Path, kind: str, *errors: type[Exception]) -> Iterator[None]:
    """Context: turn the errors of a package into one sentence, and silence its warnings.

    Parameters
    ----------
    path : Path
        The file that is read.
    kind : str
        The kind of file, for the message.
    *errors : type of exception
        Errors that the package defines, in addition to `UNREADABLE`.

    Raises
    ------
    FileError
        If reading fails.
    """
    caught: tuple[type[Exception], ...] = (*UNREADABLE, *errors)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FileError:
        raise
    except caught as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise FileError(f"{path} cannot be read as {kind}: {reason}") from error
