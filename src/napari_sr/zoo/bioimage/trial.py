"""Open a package for the first time in a process of its own, with limits of time and memory.

A network in a package is a program of somebody else. It computes its test image and some others
when it is opened; it might never end, or ask for more memory than there is. Then its process is
stopped, and this one goes on. What was found about a package that opened is kept in the folder of
downloads, so it is tried only once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import psutil

from napari_sr.atomic_write import atomic_write
from napari_sr.engine.backends.trials import CAN_START, WINDOWS_FLAGS
from napari_sr.zoo.cancelling import check_cancelled
from napari_sr.zoo.download import cache_folder
from napari_sr.zoo.limits import RefusedError, size_of

MOST_SECONDS = 180.0
"""Time for everything that is computed when a package is opened; a large U-Net takes 20 s."""
LEAST_MEMORY, SHARE = 2 << 30, 0.6
"""Memory in bytes that it may take in any case, and the share of the free memory."""
PAUSE = 0.05
NAME, LARGEST, MOST_KEPT = "packages.json", 1 << 20, 200
"""File of what was found, its largest size in bytes, and the largest number of packages in it."""
COMMAND = (sys.executable, "-P", "-m", "napari_sr.zoo.bioimage.trial")
ENABLED = True
"""Whether packages are tried in processes of their own."""


@dataclass(frozen=True)
class Found:
    """What a trial found about a package."""

    weights: str
    """SHA-256 of the weights."""
    package: str
    """SHA-256 of the archive, or of a folder's description."""
    reach: int | None
    """Pixels by which tiles overlap; None for whole planes."""
    stored: bool
    """Whether statistics are those of the stored pixels; see `Processing`."""
    told: str
    """A sentence on the comparison with the author's result."""


def found_about(path: Path, weights: str, package: str) -> Found | None:
    """Return what is known about a package, or what a trial finds; None if none can be made.

    Parameters
    ----------
    path : Path
        The zip archive or folder.
    weights, package : str
        As in `Found`.

    Raises
    ------
    RefusedError
        If the package cannot be used, or the trial exceeds a limit.
    CancelledError
        If the user cancelled the opening meanwhile.
    """
    if not (ENABLED and CAN_START):
        return None
    key = f"{weights} {package} {_versions()}"
    known = _read()
    if key in known:
        return known[key]
    found = _answer(_run(path))
    if (found.weights, found.package) != (weights, package):
        raise RefusedError("was changed while it was opened")
    with suppress(OSError):
        known = _read()  # again: other packages may have been tried meanwhile
        _keep({**dict(list(known.items())[-MOST_KEPT:]), key: found})
    return found


def _run(path: Path) -> str:
    """Return what the process writes that opens a package."""
    most = max(LEAST_MEMORY, int(SHARE * psutil.virtual_memory().available))
    process = subprocess.Popen(
        [*COMMAND, str(path.absolute())],
        stdin=subprocess.PIPE,  # it ends when this process ends
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        creationflags=WINDOWS_FLAGS,
        start_new_session=True,
    )
    end = time.monotonic() + MOST_SECONDS
    with process:
        try:
            while process.poll() is None:
                check_cancelled()
                _check(process.pid, most, end)
                time.sleep(PAUSE)
        finally:
            if process.poll() is None:
                process.kill()
        text = process.stdout.read().decode() if process.stdout is not None else ""
    if process.returncode:
        raise RefusedError(
            f"ended the process in which it was tried (exit status {process.returncode}), perhaps "
            "because memory ran out"
        )
    return text


def _check(pid: int, most: int, end: float) -> None:
    """Raise an error if a process takes too much memory or time."""
    with suppress(psutil.Error):
        taken = psutil.Process(pid).memory_info().rss
        if taken > most:
            raise RefusedError(
                f"took more than {size_of(most)} of memory while its test image was computed, so "
                "it was stopped"
            )
    if time.monotonic() > end:
        raise RefusedError(
            f"was still computing its test image after {MOST_SECONDS:g} s, so it was stopped"
        )


def _answer(text: str) -> Found:
    """Return what the process found, or raise the error that it met."""
    try:
        answer = json.loads(text.splitlines()[-1])
        refused = answer.pop("refused", None)
        found = None if refused is not None else _from(answer)
    except (ValueError, IndexError, TypeError, KeyError, AttributeError) as error:
        raise RefusedError("wrote something else into the answer of its trial") from error
    if found is None:
        raise RefusedError(str(refused))
    return found


def _from(table: dict[str, Any]) -> Found:
    reach = table["reach"]
    return Found(
        str(table["weights"]),
        str(table["package"]),
        None if reach is None else int(reach),
        table["stored"] is True,
        str(table["told"]),
    )


def _versions() -> str:
    names = "napari-sr", "torch", "onnxruntime"
    found = []
    for name in names:
        with suppress(ImportError):  # PackageNotFoundError is one
            found.append(version(name))
    return " ".join(found)


def _file() -> Path:
    return cache_folder() / NAME


def _read() -> dict[str, Found]:
    """Return the content of the file; {} if it is missing or cannot be read."""
    try:
        if _file().stat().st_size > LARGEST:
            return {}
        found = json.loads(_file().read_text(encoding="utf-8"))
        return {str(key): _from(one) for key, one in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _keep(found: dict[str, Found]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(_file()) as file:
        kept = {key: asdict(one) for key, one in found.items()}
        file.write(f"{json.dumps(kept, indent=1)}\n".encode())


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _own_output() -> TextIO:
    """Return the standard output, and discard what a program of the package prints.

    Nobody reads it before the end, so the pipe would be full, and the program would wait forever.
    """
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return own


def main(path: Path) -> None:
    """Open a package, and write what was found, or why it is refused."""
    from napari_sr.zoo.bioimage.load import tried
    from napari_sr.zoo.checkpoint import CheckpointError

    threading.Thread(target=_end_with_parent, daemon=True).start()
    out = _own_output()
    try:
        answer = asdict(tried(path))
    except CheckpointError as error:
        cause = error.__cause__
        answer = {"refused": str(cause if isinstance(cause, RefusedError) else error)}
    out.write(f"{json.dumps(answer)}\n")
    out.flush()
    os._exit(0)  # a program of the package may have left threads


if __name__ == "__main__":
    main(Path(sys.argv[1]))
