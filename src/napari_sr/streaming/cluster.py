"""Compute blocks with a cluster of dask.distributed.

Workers read, compute and write; only block numbers are sent to them. If a worker is lost, the
scheduler gives its blocks to another one.
"""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.context import Progress
from napari_sr.engine.execution.pace import Pace
from napari_sr.files.image import FileError
from napari_sr.runs.run import drive
from napari_sr.streaming.report import Report
from napari_sr.streaming.result import compute
from napari_sr.streaming.workers import LOSSES, batches

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_LOCK = threading.Lock()
"""Lets a worker with several threads compute one block at a time."""


def _compute_batch(numbers: list[int], result: str) -> Report:
    """Compute blocks in a worker of a cluster."""
    with _LOCK:
        return drive(compute(Path(result), numbers))


def run_distributed(
    result: Path, numbers: Sequence[int], address: str
) -> Generator[Progress, None, Report]:
    """Compute blocks of an unfinished result with the workers of a dask.distributed scheduler.

    All workers must see the source, the model and the result under the same paths.

    Parameters
    ----------
    result, numbers
        As for `run_workers`.
    address : str
        Address of the scheduler, such as "tcp://10.0.0.1:8786".

    Raises
    ------
    FileError
        If the extra is not installed, the scheduler cannot be reached, or a block fails.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise FileError(
            f"--scheduler {address} needs dask.distributed: pip install 'napari-sr[distributed]'"
        ) from error
    try:
        client = distributed.Client(address)
    except (OSError, ValueError) as error:
        raise FileError(f"the scheduler {address} cannot be reached: {error}") from error
    report = Report()
    with client:
        workers = max(1, len(client.scheduler_info()["workers"]))
        lists = batches(numbers, workers)
        futures = client.map(
            _compute_batch, lists, result=str(result.absolute()), retries=LOSSES, pure=False
        )
        sizes = dict(zip(futures, map(len, lists), strict=True))
        pace, done = Pace(), 0
        try:
            for future in distributed.as_completed(futures):
                report.merge(future.result())
                done += sizes[future]
                share = done / len(numbers)
                yield Progress(done, len(numbers), "", share, pace.seconds_left(share))
        except distributed.KilledWorker as error:
            raise FileError(
                f"workers of {address} were lost repeatedly: finished blocks are kept; give "
                "the workers more memory, and continue with --resume"
            ) from error
        except (RuntimeError, ValueError, OSError) as error:
            raise FileError(str(error)) from error
        finally:
            client.cancel(futures)
    return report
