"""Check that an image and its enlarged copy fit into memory, before the image is read."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROWTH: ContextVar[int] = ContextVar("growth", default=0)
"""Memory that the result needs, as a multiple of the memory of the source."""


@contextmanager
def for_result(scale: int) -> Iterator[None]:
    """Context: memory checks count each image together with a result enlarged `scale` times."""
    token = _GROWTH.set(scale**2)
    try:
        yield
    finally:
        _GROWTH.reset(token)


def lacking(needed: int) -> str:
    """Describe the needed and the free memory, or return "" if the pixels fit.

    Parameters
    ----------
    needed : int
        Bytes of memory for reading the image.
    """
    free, more = psutil.virtual_memory().available, needed * _GROWTH.get()
    if needed + more <= free:
        return ""
    result = f", its result {in_words(more)} more" if more else ""
    return f"{in_words(needed)} of memory{result}, but only {in_words(free)} are free"


def in_words(size: int) -> str:
    """Return a number of bytes in MiB or GiB."""
    return f"{size / 2**20:.0f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"
