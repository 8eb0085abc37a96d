"""Find out in a thread whether a result can go into a folder, or resume the one in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_sr.runs.spelling import as_fields
from napari_sr.streaming.result_folder import next_path, place_problem
from napari_sr.streaming.unfinished import unfinished
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.upscale.queue import PendingRun
from napari_sr.widgets.upscale.result import result_arguments
from napari_sr.widgets.upscale.stored import folder_request

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.run import Request
    from napari_sr.streaming.layer_request import LayerRequest
    from napari_sr.streaming.unfinished import Unfinished


@dataclass(frozen=True)
class FolderState:
    """What a run into a folder will find there."""

    request: LayerRequest
    """The run, with the folder that was looked at."""
    problem: str = ""
    """Why the folder cannot be created or resumed; "" if it can."""
    resumed: Unfinished | None = None
    """The unfinished result that the run will resume, if there is one."""

    @property
    def words(self) -> str:
        """A sentence on the unfinished result; "" if there is none."""
        return "" if self.resumed is None else in_words(self.resumed)


class FolderLook(QObject):
    """Looks at folders in a thread, because a folder on a network may respond slowly.

    Parameters
    ----------
    parent : QObject, optional
    """

    changed = Signal()
    """Emitted when the state of the newest request's folder is known."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._latest = Latest(self, engine=False)
        self._latest.answered.connect(self._show)
        self._state: FolderState | None = None
        self.run_waits = False
        """Whether the user has pressed Run, and the run waits for the folder's state."""

    def ask(self, request: LayerRequest, *, proposed: bool) -> None:
        """Look at a run's folder; if it is only proposed, find a free name beside it.

        Parameters
        ----------
        request : LayerRequest
            The run.
        proposed : bool
            Whether another folder may be taken, because the user did not choose this one.
        """
        self._latest.ask(look_at, request, proposed)

    def state(self, request: LayerRequest) -> FolderState | None:
        """Return what is known of a run's folder; None if it was not looked at yet."""
        state = self._state
        if state is None or state.request.folder != request.folder:
            return None
        return state if state.request.key == request.key else None

    @property
    def newest(self) -> FolderState | None:
        """The last state that `changed` announced."""
        return self._state

    def forget(self) -> None:
        """Forget what is known, and cancel the pending request and the waiting run."""
        self._latest.forget()
        self._state = None
        self.run_waits = False

    def _show(self, answer: FolderState | Exception) -> None:
        if isinstance(answer, Exception):
            raise answer
        self._state = answer
        self.changed.emit()


def request_for(layer: Image, request: Request, choice: ChosenModel, folder: Path) -> LayerRequest:
    """Return the request to upscale a layer into a folder, to compare it with the folder.

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
    source: Any = request.image
    arguments = result_arguments(layer, source, choice, region=request.region)
    pending = PendingRun(layer, request, arguments, {}, folder)
    return folder_request(pending, folder, (0.0,) * layer.ndim)


def look_at(request: LayerRequest, proposed: bool = False) -> FolderState:
    """Return the state of a run's folder, or of the first usable one beside it.

    Parameters
    ----------
    request : LayerRequest
        The run, and the folder.
    proposed : bool
        Whether to try "name (2)", "name (3)" and so on if the folder cannot be used.
    """
    state = _state_of(request)
    while proposed and state.problem and state.request.folder.exists():
        state = _state_of(replace(request, folder=next_path(state.request.folder)))
    return state


def _state_of(request: LayerRequest) -> FolderState:
    folder = request.folder
    try:
        found = unfinished(request) if folder.is_dir() else None
        if found is not None:
            return FolderState(request, as_fields(found.reason), None if found.reason else found)
        return FolderState(request, place_problem(folder) or "")
    except OSError as error:  # the name is too long, or a folder is closed to the user
        return FolderState(request, f"{folder} cannot be used: {error.strerror}")


def in_words(found: Unfinished) -> str:
    """Return a sentence on an unfinished result that can be resumed."""
    return (
        f"The folder contains this result, unfinished: {found.done} of {found.total} blocks are "
        "done. Run computes the others."
    )
