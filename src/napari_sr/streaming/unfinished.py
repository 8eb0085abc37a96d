"""Compare an unfinished result of a layer with a form's request, without reading pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sr.streaming.journal import Journal, JournalError, differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sr.streaming.layer_request import LayerRequest

LAYER = "layer"
"""Value of "kind" in the task of a layer; the task of a file has no kind."""


@dataclass(frozen=True)
class Unfinished:
    """An unfinished result, compared with a request."""

    done: int
    """Number of blocks that are done."""
    total: int
    """Number of all blocks."""
    reason: str = ""
    """Why the request cannot resume it; "" if it can."""


def unfinished(request: LayerRequest) -> Unfinished | None:
    """Compare a request with the unfinished result in its folder; None if there is none.

    Weights, versions and pixels are compared when the run is resumed.
    """
    journal = Journal(request.folder)
    if not journal.exists:
        return None
    try:
        task = journal.task()
        check_kind(task)
        before = {name: task["key"].get(name) for name in request.key}
        changed = differences(before, request.key)
        total = int(task["blocks"])
        done = len(journal.done())
    except (JournalError, OSError) as error:
        return Unfinished(0, 0, str(error))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Unfinished(0, 0, f"the journal in {request.folder} is damaged")
    return Unfinished(done, total, told_differences(changed) if changed else "")


def check_kind(task: Mapping[str, Any]) -> None:
    """Check that a task was begun from a layer.

    Raises
    ------
    JournalError
        If it was begun from a file.
    """
    if task.get("kind") != LAYER:
        source = task["key"].get("source", {}).get("path", "a file")
        raise JournalError(
            f"the unfinished result was begun from {source}, on the command line: continue it "
            "there, with --resume"
        )


def told_differences(changed: list[str]) -> str:
    """Return a sentence on the differences between an unfinished result and a request."""
    return f"the unfinished result belongs to another run: {'; '.join(changed)}"
