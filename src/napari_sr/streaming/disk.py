"""Errors of the disk during a run, in one sentence."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk that has no more room."""


@contextmanager
def told_in_one_sentence(result: Path, kept: str) -> Iterator[None]:
    """Turn an error of the disk into a sentence that says what remains.

    Parameters
    ----------
    result : Path
        Folder of the result.
    kept : str
        What remains after an error, for the user.

    Raises
    ------
    FileError
        Instead of an `OSError`, and of another `FileError` if a full disk is its cause.
    """
    try:
        yield
    except OSError as error:
        raise FileError(_sentence(error, result, kept)) from error
    except FileError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in FULL:
            raise FileError(_sentence(cause, result, kept)) from error
        raise


def _sentence(error: OSError, result: Path, kept: str) -> str:
    what = "the disk is full" if error.errno in FULL else error.strerror or str(error)
    return f"{error.filename or result}: {what}; {kept}"
