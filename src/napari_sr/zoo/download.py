"""Find a known checkpoint on this machine, or download it, check its hash and write it atomically.

Two environment variables name folders. Downloads are written to `NAPARI_SR_CACHE`. Before a
download, `NAPARI_SR_WEIGHTS` is searched, for machines without an internet connection; nothing is
written to it. Nothing happens on import.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sr.zoo.transfer import REDIRECTS, Report, Transfer, TransferError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sr.zoo.registry import Entry

CACHE_VARIABLE = "NAPARI_SR_CACHE"
MIRROR_VARIABLE = "NAPARI_SR_WEIGHTS"
SHIPPED = Path(__file__).with_name("weights")
"""Folder of the weights that ship with the package."""
NETWORKS = Path(__file__).parents[1] / "models"
"""Folder of the networks' code. A model without weights is just a file here."""
SETTLED = 2
"""A second change within this many seconds may leave a file's modification time unchanged."""


class DownloadError(Exception):
    """A failed download of a checkpoint; the message says what to do instead."""


def cache_folder() -> Path:
    """Return the folder for downloads; it may not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))
    import platformdirs

    return Path(platformdirs.user_cache_dir("napari-sr", appauthor=False)) / "weights"


def local_path(entry: Entry) -> Path | None:
    """Return a checkpoint's file, or None if it is not on this machine.

    The file may ship with the package (weights, or the code of an interpolation) or be in the
    cache. It may also be any file below the folder `NAPARI_SR_WEIGHTS` with its size and sha256.
    """
    if entry.url is None:
        return (NETWORKS if entry.computed else SHIPPED) / entry.file
    cached = cache_folder() / entry.file
    return next((path for path in (cached, *_mirrored()) if is_file_of(path, entry)), None)


def fetch(entry: Entry, progress: Report | None = None) -> Path:
    """Return a checkpoint's file; download it if it is not on this machine.

    Parameters
    ----------
    entry : Entry
        The checkpoint.
    progress : callable, optional
        Called with (bytes done, bytes in total) while downloading; its exceptions end the download,
        and no file remains.

    Raises
    ------
    DownloadError
        If the file cannot be downloaded or written, or its hash is not the registry's.
    """
    found = local_path(entry)
    if found is not None:
        return found
    try:
        return _download(entry, progress)
    except OSError as error:  # requests' errors are OSErrors too
        raise DownloadError(_advice(entry, _cause(error))) from error


def _download(entry: Entry, progress: Report | None) -> Path:
    import pooch

    with _quiet(pooch.get_logger()):
        try:
            path = pooch.retrieve(
                entry.url,
                known_hash=f"sha256:{entry.sha256}",
                fname=entry.file,
                path=cache_folder(),
                downloader=Transfer(entry.size, progress),
            )
        except ValueError as error:
            if "hash" not in str(error).lower():
                raise
            raise DownloadError(
                _advice(entry, f"the downloaded file does not have the sha256 {entry.sha256}")
            ) from error
    return Path(path)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Context: suppress pooch's log messages."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _mirrored() -> Iterator[Path]:
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        yield from sorted(Path(os.path.expanduser(mirror)).rglob("*"))


def is_file_of(path: Path, entry: Entry) -> bool:
    """Return whether a path is the entry's file, by size and SHA-256, whatever its name is.

    Only a file of the right size is read. A missing or unreadable file is not the entry's.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
            return False
        changed = status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        quiet = time.time() - max(status.st_mtime, status.st_ctime)
        # a file that just changed may change again within the same clock tick
        read = _sha256 if quiet > SETTLED else _sha256.__wrapped__
        return read(path, status.st_size, changed) == entry.sha256
    except OSError:  # missing or unreadable
        return False


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, changed: tuple[int, ...]) -> str:
    """Return a file's hash; the cache's key includes size and modification time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_CAUSES = {
    "ChunkedEncodingError": "the connection was lost",
    "ContentDecodingError": "the server's compression is faulty",
    "TooManyRedirects": f"the server redirects more than {REDIRECTS} times",
}
"""Explanations of the errors that requests raises, by class name."""


def _cause(error: OSError) -> str:
    """Describe the cause of an error in a few words, without internals of requests."""
    if isinstance(error, TransferError):
        return str(error)
    known = _CAUSES.get(type(error).__name__)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if known is not None or status is not None:
        return known or f"the server answers {status}"
    if type(error).__module__.startswith("requests"):
        return "there is no connection to the server"
    return f"{cache_folder()} cannot be written ({error.strerror or error})"


def _advice(entry: Entry, cause: str) -> str:
    return (
        f"could not download {entry.name} ({entry.size / 1e6:.1f} MB) from {entry.url}: {cause}; "
        "try again, or get the file in another way. Save it in the folder that the environment "
        f"variable {MIRROR_VARIABLE} names, or as {cache_folder() / entry.file} (the environment "
        f"variable {CACHE_VARIABLE} changes this folder)"
    )
