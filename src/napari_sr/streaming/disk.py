"""Turn disk errors during a run into one sentence."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a full disk."""


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
        In place of an `OSError`, or of a `FileError` that a full disk caused.
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
