"""Sort the messages that tifffile logs into errors, notes for the user, and others to ignore."""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DAMAGED = re.compile(
    r"invalid page offset|invalid offset to (first )?page|corrupted tag list|circular reference"
    r"|contains no pages|missing data offset|missing ByteCounts|missing required tags"
    r"|could not read all values|<asarray> failed to reshape"
    r"|TiffTag (25[4-9]|262|266|27[0347-9]|28[234]|29[67]|317|32\d|33[0189]|347|53[0-2]) "
)
"""Matches messages about missing pixels, description or resolution."""
HANDLED = re.compile(
    r"is not a valid|incorrect Strip|shaped series|ImageJ series metadata|OME series|GDAL_NODATA"
    r"|GeoKeyDirectory|estimating ByteCounts|ignoring predictor"
    r"|read_json|read_utf8"
)
"""Matches messages about faults that our readers handle, or that do not affect pixels."""

_ODD = re.compile("is not a valid|coercing invalid ASCII")
_SPEAKER = re.compile(r"^<tifffile\.\w+ [^>]*> ")
_TAG = re.compile(
    r"^<TiffTag\.fromfile> raised TiffFileError\(['\"]<tifffile\.TiffTag (\d+) [^>]*> "
)


_hearing: list[tuple[int, list[str]]] = []
"""The readers: the threads that are reading a TIFF, each with the messages that it got so far."""


def _divert(record: logging.LogRecord) -> bool:
    """Pass a warning to the reader in the same thread, or to all readers if it has none."""
    readers = list(_hearing)
    if record.levelno < logging.WARNING or not readers:
        return True
    own = [heard for thread, heard in readers if thread == record.thread]
    for heard in own[-1:] or [heard for _, heard in readers]:
        heard.append(record.getMessage())
    return False


@contextmanager
def overheard(heard: list[str]) -> Iterator[None]:
    """Context: collect tifffile's warnings and errors instead of showing them.

    Parameters
    ----------
    heard : list of str
        The list to which this thread's messages are appended; other threads' messages are not.
    """
    logging.getLogger("tifffile").addFilter(_divert)  # has no effect if it was added before
    reader = (threading.get_ident(), heard)
    _hearing.append(reader)
    try:
        yield
    finally:
        _hearing.remove(reader)


def damage(heard: list[str]) -> str | None:
    """Return the first message that reports damage, or None."""
    return next((words(text) for text in heard if _tells_damage(text)), None)


def check(heard: list[str]) -> None:
    """Raise an error if the file is damaged.

    Raises
    ------
    ValueError
        If a message reports damage.
    """
    if reason := damage(heard):
        raise ValueError(reason)


def notes(heard: list[str]) -> Iterator[str]:
    """Yield a note for the user about each message that does not report damage, once."""
    for text in dict.fromkeys(heard):
        if "coercing invalid ASCII" in text:
            yield "a text in it has an unknown encoding, and is left out"
        elif not _tells_damage(text) and not HANDLED.search(text):
            yield f"tifffile reports: {words(text)}"


def _tells_damage(text: str) -> bool:
    # the code that reads a tag handles invalid values
    return DAMAGED.search(text) is not None and not _ODD.search(text)


def words(error: object) -> str:
    """Return a message in one line, without the name of the function that sent it."""
    text = _TAG.sub(r"tag \1 has an ", " ".join(str(error).split()))
    text = _SPEAKER.sub("", text).removesuffix("')")
    return text[:160] or type(error).__name__
