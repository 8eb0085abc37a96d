"""Describe an expected error in one sentence, for commands and for runs over many files."""

from __future__ import annotations

from napari_sr.zoo.download import DownloadError

EXPECTED = (OSError, RuntimeError, MemoryError, DownloadError, ValueError)
"""Errors that are reported in one line; all others are bugs."""


def in_words(error: Exception) -> str:
    """Return the message of an expected error for the user."""
    if isinstance(error, OSError):
        known = error.filename and error.strerror
        return f"{error.filename}: {error.strerror}" if known else _words(error)
    return _of_memory(error) if isinstance(error, RuntimeError | MemoryError) else _words(error)


def _of_memory(error: Exception) -> str:
    """Return an error's message, or a message with advice if memory ran out."""
    from napari_sr.engine.planning.budget import explain_memory_errors  # imports torch
    from napari_sr.engine.planning.devices import OutOfMemoryError

    try:
        with explain_memory_errors("the command ran"):
            raise error
    except (RuntimeError, OutOfMemoryError) as told:
        return _words(told)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
