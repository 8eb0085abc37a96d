"""Download a model in steps, so that the download can be cancelled."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from napari_sr.zoo import download

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_sr.zoo.registry import Entry

_LOOK_EVERY = 0.1
"""Seconds between two progress reports of a download."""


class _CancelledError(Exception):
    """Raised inside a download to stop it."""


def fetch_steps(entry: Entry) -> Generator[tuple[int, int], None, None]:
    """Download a model's file if it is missing; yield bytes done and bytes in total.

    Closing the generator stops the download and leaves no partial file.
    """
    if download.local_path(entry) is not None:
        return
    seen = (0, entry.size)
    given_up = threading.Event()

    def watch(done: int, total: int) -> None:
        nonlocal seen
        if given_up.is_set():
            raise _CancelledError(f"the download was cancelled after {done} of {total} bytes")
        seen = (done, total)

    with ThreadPoolExecutor(1, "napari-sr-download") as pool:
        fetching = pool.submit(download.fetch, entry, watch)
        try:
            while wait([fetching], _LOOK_EVERY).not_done:
                yield seen
        finally:
            given_up.set()
    fetching.result()
