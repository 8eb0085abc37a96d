"""Download a file of known size over HTTP, within limits of size and time.

A separate thread reads from the connection. This thread may hang, for instance if the server sends
one byte a minute, but the caller waits only within the limits.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 14
"""Bytes between two reports of progress."""
PATIENCE = 30
"""Seconds without an answer after which a download fails."""
LEAST_RATE = 4096
"""Smallest average rate in bytes a second; a slower download fails."""
REDIRECTS = 5
"""Largest number of redirections."""
_WAITING = 8
"""Largest number of received pieces that wait to be written."""

Report: TypeAlias = Callable[[int, int], None]
"""Called with the received bytes and the total."""


class TransferError(OSError):
    """A download is too slow, too large or incomplete; the message says which."""


class Transfer:
    """The downloader that pooch calls for one file.

    Parameters
    ----------
    size : int
        Size of the file in bytes.
    report : callable, optional
        Called with (bytes done, bytes in total); its exceptions end the download.
    """

    def __init__(self, size: int, report: Report | None = None) -> None:
        self._size, self._report = size, report

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Write the content of an address into a file.

        Raises
        ------
        TransferError
            If the server sends more or fewer bytes, or sends them too slowly.
        OSError
            If the connection fails or breaks, or the file cannot be written.
        """
        pieces: queue.Queue[bytes | Exception] = queue.Queue(_WAITING)
        ended = threading.Event()
        threading.Thread(target=_pull, args=(url, self._size, pieces, ended), daemon=True).start()
        try:
            with Path(output_file).open("wb") as file:
                for done, piece in self._received(pieces):
                    file.write(piece)
                    if self._report is not None:
                        self._report(done, self._size)
        finally:
            ended.set()

    def _received(self, pieces: queue.Queue[bytes | Exception]) -> Iterator[tuple[int, bytes]]:
        """Yield the number of bytes received so far, and each piece."""
        began, done = time.monotonic(), 0
        while True:
            left = began + PATIENCE + done / LEAST_RATE - time.monotonic()
            try:
                piece = pieces.get(timeout=max(left, 0))
            except queue.Empty:
                seconds = time.monotonic() - began
                raise TransferError(
                    f"{done} of {self._size} bytes arrived in {seconds:.0f} seconds, but at least "
                    f"{LEAST_RATE} a second are needed"
                ) from None
            if isinstance(piece, Exception):
                raise piece
            if not piece:
                break
            done += len(piece)
            if done > self._size:
                raise TransferError(f"the server sends more than {self._size} bytes")
            yield done, piece
        if done < self._size:
            raise TransferError(f"the connection was lost after {done} of {self._size} bytes")


def _pull(
    url: str, size: int, pieces: queue.Queue[bytes | Exception], ended: threading.Event
) -> None:
    """Queue the pieces of an answer, then an empty piece; after an error, queue the error."""

    def hand_on(piece: bytes | Exception) -> bool:
        while not ended.is_set():
            try:
                pieces.put(piece, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False

    try:
        for piece in _answer(url, size):
            if not hand_on(piece):
                return
        hand_on(b"")
    except (OSError, ValueError) as error:  # all of requests' errors are OSErrors
        hand_on(error)


def _answer(url: str, size: int) -> Iterator[bytes]:
    import requests

    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        plain = {"Accept-Encoding": "identity"}
        with session.get(url, stream=True, timeout=PATIENCE, headers=plain) as response:
            response.raise_for_status()
            announced = response.headers.get("Content-Length", "")
            packed = response.headers.get("Content-Encoding", "identity") != "identity"
            if announced.isdecimal() and int(announced) > size and not packed:
                raise TransferError(f"the server sends {announced} bytes instead of {size}")
            yield from filter(None, response.iter_content(CHUNK))
