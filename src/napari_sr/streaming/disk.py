"""Turn disk errors during a run into one sentence."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EFBIG: "the file is larger than the disk or the user's limit allows",
}
"""Descriptions of the errors of a full disk."""


@contextmanager
def told_in_one_sentence(result: Path, kept: str) -> Iterator[None]:
    """Turn a disk error into one sentence that also says which data are kept.

    Parameters
    ----------
    result : Path
        Folder of the result.
    kept : str
        Says which data are kept after an error, for the user.

    Raises
    ------
    FileError
        In place of an `OSError`, or of a `FileError` that an `OSError` caused.
    """
    try:
        yield
    except OSError as error:
        raise FileError(_sentence(error, result, kept)) from error
    except FileError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or str(error).endswith(kept):
            raise
        full = cause.errno in WORDS
        told = _sentence(cause, result, kept) if full else f"{error}; {kept}"
        raise FileError(told) from error


def _sentence(error: OSError, result: Path, kept: str) -> str:
    what = WORDS.get(error.errno or 0) or error.strerror or str(error)
    return f"{error.filename or result}: {what}; {kept}"
