"""Compute a whole plane for the preview, because networks with global values need all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_sr.streaming.preview_request import PreviewBlock, PreviewRequest, run_in_view
from napari_sr.widgets.common.worker import create_run, forget_locals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.widgets.common.worker import RunWorker


class WholePlane(QObject):
    """Computes the result of one plane, part by part, in a thread that can be paused.

    Parameters
    ----------
    parent : QObject, optional
    """

    got = Signal(object)
    """Emitted with each finished part, a `PreviewBlock`."""
    advanced = Signal()
    """Emitted when `share` or `is_complete` has changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.blocks: dict[Any, NDArray[Any]] = {}
        """Finished parts of the result by the spans of their rows and columns."""
        self.share = 0.0
        """Share of the plane that is computed, 0..1."""
        self.is_complete = False
        """Whether all parts are finished."""
        self.has_failed = False
        """Whether the plane could not be computed."""
        self._worker: RunWorker | None = None
        self._next: PreviewRequest | None = None
        self._paused = False

    def begin(self, request: PreviewRequest) -> None:
        """Compute a plane, unless it is complete or has failed. Call `forget` before another plane.

        Parameters
        ----------
        request : PreviewRequest
            The plane, with `whole_plane`.
        """
        if self.is_complete or self.has_failed:
            return
        if self._worker is None:
            self._launch(request)
        elif self._worker.abort_requested:
            self._next = request  # begins when the worker ends

    def stop(self) -> None:
        """Compute nothing until `begin` is called; finished parts stay."""
        self._next = None
        if self._worker is not None:
            self._worker.quit()

    def forget(self) -> None:
        """Stop, and forget all parts."""
        self.stop()
        self.blocks.clear()
        self.share, self.is_complete, self.has_failed = 0.0, False, False

    def pause(self) -> None:
        """Pause, so that another computation gets the processor."""
        self._paused = True
        self._follow_pause()

    def resume(self) -> None:
        """Continue after a pause."""
        self._paused = False
        self._follow_pause()

    def _follow_pause(self) -> None:
        """Pause or resume the worker.

        A worker ignores requests until it has paused or resumed, so this is called again then.
        """
        if self._worker is not None:
            self._worker.pause() if self._paused else self._worker.resume()

    def _launch(self, request: PreviewRequest) -> None:
        worker = create_run(
            run_in_view,
            request,
            yielded=self._take,
            returned=self._complete,
            errored=self._fail,
            paused=self._follow_pause,
            resumed=self._follow_pause,
            finished=self._end,
        )
        self._worker = worker
        self.destroyed.connect(worker.quit)
        self._follow_pause()
        worker.start()

    def _take(self, part: PreviewBlock | float | None) -> None:
        if self._is_stopped:
            return
        if isinstance(part, PreviewBlock):
            self.blocks[part.core.spans] = part.values
            self.got.emit(part)
        elif part is not None:
            self.share = part
            self.advanced.emit()

    def _complete(self, exact: bool) -> None:
        if not self._is_stopped:
            self.is_complete = exact
            self.advanced.emit()

    def _fail(self, error: Exception) -> None:
        forget_locals(error)
        if not self._is_stopped:
            self.has_failed = True
            self.advanced.emit()

    @property
    def _is_stopped(self) -> bool:
        return self._worker is None or self._worker.abort_requested

    def _end(self) -> None:
        self._worker = None
        following, self._next = self._next, None
        if following is not None:
            self._launch(following)
