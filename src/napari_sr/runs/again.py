"""Upscale other pixels with the model and settings of a recorded run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.runs.recorded import Recorded
from napari_sr.runs.run import Request, drive, run_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def again(
    record: Mapping[str, Any], folder: Path | None = None
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return a function that upscales a plane with the model and settings of a record.

    The plane is (H, W) or (H, W, 3).

    Black and white are those of the recorded run, even if that run computed them from its source.

    Parameters
    ----------
    record : mapping
        The record of a result.
    folder : Path, optional
        Folder to search for the user's checkpoints, besides their recorded paths.

    Raises
    ------
    napari_sr.runs.record.RecordError
        If the record cannot be used. The returned function raises it if the weights differ from
        those of the record.
    """
    found = Recorded.of(record)
    reference = found.reference(folder)

    def upscaled(plane: NDArray[Any]) -> NDArray[Any]:
        from napari_sr.runs import cache  # imports torch
        from napari_sr.runs.model import ModelReference

        network = cache.load(reference)
        found.check_weights(network)
        settings = replace(found.chosen(), value_range=found.value_range)
        request = Request(plane, ModelReference(network), settings, "YXC"[: plane.ndim])
        return drive(run_request(request, network)).pixels

    return upscaled
