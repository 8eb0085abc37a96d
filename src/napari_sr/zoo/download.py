"""Find a known checkpoint on this machine, or download it: verified, and whole or not at all.

Two environment variables move things: `NAPARI_SR_CACHE` names the folder that downloads go
to, and `NAPARI_SR_WEIGHTS` one that is looked through first and never written: a mirror for
machines without a network. Nothing happens on import.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from napari_sr.zoo.registry import Entry

CACHE_VARIABLE = "NAPARI_SR_CACHE"
MIRROR_VARIABLE = "NAPARI_SR_WEIGHTS"
SHIPPED = Path(__file__).with_name("weights")
"""Folder of the weights that ship with the package."""
NETWORKS = Path(__file__).parents[1] / "models"
"""Folder of the networks, where the code of those without weights is."""
CHUNK = 1 << 16
"""Bytes between two reports of progress."""
PATIENCE = 30
"""Seconds without an answer after which a download fails."""

Report: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that have come and the bytes that will."""


class DownloadError(Exception):
    """A checkpoint could not be downloaded; the message says what to do instead."""


def cache_folder() -> Path:
    """Return the folder that downloads go to; it need not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("napari-sr", appauthor=False)) / "weights"


def local_path(entry: Entry) -> Path | None:
    """Return a checkpoint's file where it is on this machine, else None.

    It ships, weights or a formula's code, or it is in the cache, or a file of its size and sha256
    lies anywhere below the mirror folder, whatever that file is called.
    """
    if entry.url is None:
        return (NETWORKS if entry.computed else SHIPPED) / entry.file
    cached = cache_folder() / entry.file
    return next((path for path in (cached, *_mirrored(entry)) if _is(path, entry)), None)


def fetch(entry: Entry, progress: Report | None = None) -> Path:
    """Return a checkpoint's file, downloading it where it is not on this machine.

    Parameters
    ----------
    entry : Entry
        What to get.
    progress : callable, optional
        Called with (bytes done, bytes in all) while downloading; what it raises ends the
        download and leaves nothing behind.

    Raises
    ------
    DownloadError
        If it cannot be downloaded or written, or is not the file that the registry means.
    """
    found = local_path(entry)
    if found is not None:
        return found
    try:
        return _download(entry, _Meter(entry.size, progress))
    except OSError as error:  # requests' errors are OSErrors too
        raise DownloadError(_advice(entry, _cause(error))) from error


def _download(entry: Entry, meter: _Meter) -> Path:
    import pooch

    downloader = pooch.HTTPDownloader(progressbar=meter, chunk_size=CHUNK, timeout=PATIENCE)
    with _quiet(pooch.get_logger()):
        try:
            path = pooch.retrieve(
                entry.url,
                known_hash=f"sha256:{entry.sha256}",
                fname=entry.file,
                path=cache_folder(),
                downloader=downloader,
            )
        except ValueError as error:
            if "hash" not in str(error).lower():
                raise
            raise DownloadError(
                _advice(entry, f"what came has another sha256 than {entry.sha256}")
            ) from error
    return Path(path)


class _Meter:
    """What pooch takes for a progress bar; it hands on bytes."""

    def __init__(self, size: int, report: Report | None) -> None:
        self.total = size
        self._size, self._done, self._report = size, 0, report

    def update(self, count: int) -> None:
        """Count bytes that have come: up to the whole, since pooch counts full chunks."""
        self._done = min(self._done + count, self._size)
        if self._report is not None:
            self._report(self._done, self._size)

    def reset(self) -> None:
        """Do nothing: pooch starts anew only to fill the bar at the end."""

    def close(self) -> None:
        """Do nothing: there is no bar to take away."""


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing lines of its own between ours."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _mirrored(entry: Entry) -> Iterator[Path]:
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        yield from sorted(Path(mirror).expanduser().rglob("*"))


def _is(path: Path, entry: Entry) -> bool:
    """Say whether this is the file; only one of the right size is read."""
    try:
        status = path.stat()
        return (
            path.is_file()
            and status.st_size == entry.size
            and _sha256(path, status.st_size, status.st_mtime_ns) == entry.sha256
        )
    except OSError:  # not there, or not ours to read
        return False


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Return a file's hash; size and time of change are there to notice that it changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cause(error: OSError) -> str:
    """Say in few words what went wrong, without the innards that requests' errors show."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the server answers {status}"
    if type(error).__module__.startswith("requests"):
        broke = type(error).__name__ == "ChunkedEncodingError"
        return "the connection broke off" if broke else "there is no connection to the server"
    return f"{cache_folder()} cannot be written ({error.strerror or error})"


def _advice(entry: Entry, cause: str) -> str:
    return (
        f"could not download {entry.name} ({entry.size / 1e6:.1f} MB) from {entry.url}: {cause}; "
        f"try again, or get that file by other means and either put it into a folder that "
        f"{MIRROR_VARIABLE} names, or save it as {cache_folder() / entry.file} "
        f"({CACHE_VARIABLE} moves that folder)"
    )
