"""Find out whether the folder of a run contains its unfinished result, to resume the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.streaming.unfinished import unfinished
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.stored import folder_request

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.run import Request
    from napari_sr.streaming.unfinished import Unfinished


def unfinished_run(
    layer: Image, request: Request, choice: ChosenModel, folder: Path
) -> Unfinished | None:
    """Return the unfinished result in a folder, compared with a run; None if there is none.

    Parameters
    ----------
    layer : Image
        The source layer; OME-Zarr must be able to store its result.
    request : Request
        The run, as the fields describe it.
    choice : ChosenModel
        The run's model.
    folder : Path
        The folder.
    """
    if not folder.is_dir():
        return None
    source: Any = request.image
    arguments = result_arguments(layer, source, choice, region=request.region)
    pending = PendingRun(layer, request, arguments, {}, folder)
    return unfinished(folder_request(pending, folder, (0.0,) * layer.ndim))


def in_words(found: Unfinished) -> str:
    """Return a sentence on an unfinished result that can be resumed."""
    return (
        f"The folder contains this result, unfinished: {found.done} of {found.total} blocks are "
        "done. Run computes the others."
    )
