"""Compiled segments on disk, identified by their computation and the machine.

The name of a segment is a hash of the weights, the computation, shapes, versions and processor. The
files of a segment are written once and never changed. The verdict of the trial is written last; a
segment without a verdict is not used. The files contain weights, but never pixels.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from napari_sr import __version__
from napari_sr.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.engine.backends.interface import SegmentKey

FOLDER_VARIABLE = "NAPARI_SR_COMPILED"
"""Environment variable that names the folder; by default it is in the user's cache."""
MOST_BYTES = 512 * 2**20
"""Largest total size of the files; the least recently used ones are removed first."""
MACHINE_CODE = "machine-code"
"""Subfolder for the engines' own files."""
REVISION = 5
"""Version of the files' content. It is part of the names, so that older files are not used."""
_NAME = re.compile(r"[0-9a-f]{24}-[0-9a-f]{24}")
"""Names of segments."""
FORGOTTEN = 900.0
"""Seconds after which a trial without a verdict is considered dead if its process is unknown."""
LATE = 86400.0
"""Seconds after which a segment whose trial took too long is tried again."""
FASTER = 1.05
"""Least speed, relative to PyTorch, of an engine that is used; above 1, because timings vary."""


@dataclass(frozen=True)
class Verdict:
    """Result of the trial of one segment."""

    right: bool
    """Whether the segment's results equal PyTorch's, up to rounding."""
    error: float = 0.0
    """Largest difference from PyTorch in float32, where the largest result is 1."""
    milliseconds: float = 0.0
    torch_milliseconds: float = 0.0
    """Time of PyTorch for the same segment; the two were timed in turns."""
    why: str = ""
    """Reason not to use the segment; "" if it can be used."""
    engine: str = ""
    """Engine that was tried."""
    late: bool = False
    """Whether the trial took too long, perhaps because the computer was busy."""

    @property
    def gain(self) -> float:
        """Speed divided by PyTorch's; 0 if the segment cannot be used."""
        return self.torch_milliseconds / max(self.milliseconds, 1e-3) if self.right else 0.0

    @property
    def faster(self) -> bool:
        """Whether the segment is faster than PyTorch by more than timings vary."""
        return self.gain > FASTER


def folder() -> Path:
    """Return the folder of the files, which may not exist yet."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))
    import platformdirs

    return Path(platformdirs.user_cache_dir("napari-sr", appauthor=False)) / "compiled"


def name_of(
    weights: str, channels: int, engine: str, key: SegmentKey, shapes: Sequence[tuple[int, ...]]
) -> str:
    """Return the unique name of a segment.

    Parameters
    ----------
    weights : str
        The network's fingerprint.
    channels : int
        Channels of the image.
    engine : str
        Name, version and precision of the engine.
    key : SegmentKey
        Identity of the computation; its chain is ignored, because `weights` identifies it.
    shapes : sequence of tuple of int
        Shapes of the input tensors.
    """
    parts = (REVISION, channels, engine, key.indices, key.inputs, key.outputs, list(shapes))
    return f"{_of_network(weights)}-{_hash(*parts)}"


def verdicts_on(weights: str) -> list[Verdict]:
    """Return the verdicts on all segments of a network on this machine."""
    paths = folder().glob(f"{_of_network(weights)}-*.json")
    found = (verdict_of(path.stem) for path in paths)
    return [verdict for verdict in found if verdict is not None]


def _of_network(weights: str) -> str:
    """Return the prefix of the names of a network's segments on this machine."""
    return _hash(weights, _machine())


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _machine() -> tuple[str, ...]:
    """Return the versions, processor and threads that a compiled segment depends on."""
    threads = str(torch.get_num_threads())
    return (__version__, torch.__version__, platform.machine(), _processor(), threads)


@lru_cache
def _processor() -> str:
    """Return the processor's name and, if the system reports them, its instruction sets."""
    processor = platform.processor()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = (line for line in lines if line.startswith(("model name", "flags")))
        processor = " ".join([next(named, ""), next(named, "")]) or processor
    return processor


def verdict_of(name: str) -> Verdict | None:
    """Return the verdict on a segment; None if there is none, or it shall be tried again."""
    try:
        verdict = Verdict(**json.loads((file := folder() / f"{name}.json").read_text()))
        again = verdict.late and time.time() - file.stat().st_mtime > LATE
        numbers = verdict.error, verdict.milliseconds, verdict.torch_milliseconds
        valid = all(isinstance(number, int | float) for number in numbers)
        return verdict if valid and not again else None
    except (OSError, ValueError, TypeError):
        return None


def forget(name: str) -> None:
    """Remove the verdict on a segment whose files are damaged, so that it is tried again."""
    _remove(f"{name}.json")


def claim(name: str) -> bool:
    """Claim a segment for this process; return False if another process is trying it."""
    file = folder() / f"{name}.trying"
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        if _is_abandoned(file):
            file.unlink()
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    # a claim that could not be written names no process, and expires after a while
    with suppress(OSError):
        os.write(descriptor, _owner(os.getpid()).encode())
    os.close(descriptor)
    return True


def _owner(process: int) -> str:
    """Return the text of a claim: process and computer, as computers may share the folder."""
    return f"{process} {platform.node()}"


def _is_abandoned(file: Path) -> bool:
    """Return whether the process of a claim has ended, or the claim is too old."""
    process, _, computer = file.read_text().partition(" ")
    if process.isdecimal() and computer == platform.node() and not psutil.pid_exists(int(process)):
        return True
    return time.time() - file.stat().st_mtime > FORGOTTEN


def give_up(name: str) -> None:
    """End a claim on a segment."""
    _remove(f"{name}.trying")


def _remove(file: str) -> None:
    with suppress(OSError):
        (folder() / file).unlink()


def is_tried_by(name: str, process: int) -> bool:
    """Return whether a process claimed a segment and wrote no verdict on it."""
    try:
        return (folder() / f"{name}.trying").read_text() == _owner(process)
    except OSError:
        return False


def write_verdict(name: str, verdict: Verdict) -> None:
    """Write a verdict, and remove the least recently used files if there are too many."""
    there = folder()
    there.mkdir(parents=True, exist_ok=True)
    with atomic_write(there / f"{name}.json") as file:
        file.write(json.dumps(asdict(verdict)).encode())
    give_up(name)
    prune(there)


def touch(name: str) -> None:
    """Mark a segment as used now."""
    for path in folder().glob(f"{name}.*"):
        with suppress(OSError):
            os.utime(path)


def prune(there: Path, most: int = MOST_BYTES) -> None:
    """Remove the least recently used segments until all files fit into `most` bytes.

    The engines' own files, in a subfolder, are counted and removed like segments. All other files
    stay, because a user may choose a folder that also has other files.
    """
    segments: dict[str, list[tuple[float, int, Path]]] = {}
    for path in (*there.glob("*.*"), *there.glob("*/*.*")):
        if not _NAME.fullmatch(path.stem) and path.parent != there / MACHINE_CODE:
            continue
        with suppress(OSError):
            status = path.stat()
            found = (status.st_mtime, status.st_size, path)
            segments.setdefault(path.stem, []).append(found)
    total = sum(size for files in segments.values() for _, size, _ in files)
    for files in sorted(segments.values(), key=lambda files: max(files)[0]):
        if total <= most:
            return
        # the verdict first: without it, the other files are not used
        for _, size, path in sorted(files, key=lambda one: one[2].suffix != ".json"):
            with suppress(OSError):
                path.unlink()
                total -= size
