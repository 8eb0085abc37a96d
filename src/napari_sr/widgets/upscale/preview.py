"""The preview: a layer that shows a model's result for the visible region, and follows the view.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_sr.engine.planning.tiling import Region
from napari_sr.runs.words import error_in_words
from napari_sr.streaming.preview_request import PreviewBlock, PreviewRequest, run_in_view
from napari_sr.widgets.common.worker import create_run, forget_locals
from napari_sr.widgets.upscale.preview_layer import PreviewLayer
from napari_sr.widgets.upscale.preview_view import View, alike, central, in_words
from napari_sr.widgets.upscale.whole_plane import WholePlane

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_sr.widgets.common.worker import RunWorker

PAUSE = 150
"""Time without a change of view or form before blocks are computed, in milliseconds."""
KEPT = 2**28
"""Largest size in bytes of the blocks that are kept in case the user pans back."""


class Preview(QObject):
    """Computes the visible region while it is on, and removes its layer when it is off.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer that shows the preview.
    view : callable
        Returns the part to preview, or a sentence on why there is none; None to keep the last.
    parent : QObject, optional
    """

    told = Signal(str)
    """Emitted with a sentence on what the preview shows."""
    switched_off = Signal()
    """Emitted when the preview ends because its layer was removed."""

    def __init__(
        self,
        viewer: ViewerModel,
        view: Callable[[], View | str | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._view_of_form = viewer, view
        self._on = False
        self._worker: RunWorker | None = None
        self._view: View | None = None
        self._blocks: dict[Any, NDArray[Any]] = {}
        self._layer = PreviewLayer(viewer)
        self._asked: Region | None = None
        self._shown: Region | None = None
        self._exact = False
        self._plane = WholePlane(self)
        self._plane.got.connect(self._show_exact)
        self._plane.advanced.connect(self._tell)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._begin)
        viewer.layers.events.removed.connect(self._notice_removal)

    @property
    def is_on(self) -> bool:
        """Whether the preview is on."""
        return self._on

    def switch(self, on: bool) -> None:
        """Switch the preview on; or switch it off, remove its layer and free its memory."""
        self._on = on
        if on:
            self.update()
            return
        self.hold()
        self._show_nothing("")

    def update(self) -> None:
        """Update the preview, once view and settings have stopped changing."""
        if self._on:
            self._pause.start()

    def forget(self) -> None:
        """Compute everything again, because the pixels of the layer have changed."""
        self._forget_blocks()
        self._view = None
        self.update()

    def hold(self) -> None:
        """Compute nothing until `update` is called; the shown pixels stay."""
        self._pause.stop()
        self._plane.stop()
        if self._worker is not None:
            self._worker.quit()

    def leave(self) -> None:
        """Switch the preview off, and stop listening to layers."""
        self._viewer.layers.events.removed.disconnect(self._notice_removal)
        self.switch(False)

    def _show_nothing(self, reason: str) -> None:
        """Remove the layer, and free the source and the blocks."""
        self._forget_blocks()
        self._view = None
        self._layer.remove()
        self.told.emit(reason)

    # computing

    def _begin(self) -> None:
        view = self._view_of_form()
        if self._worker is not None:
            if not self._computes(view):
                self._worker.quit()  # `_end` then starts the next one
            return
        if isinstance(view, str):
            self._show_nothing(view)
        if view is None or isinstance(view, str):
            return
        before, self._view = self._view, view
        if before is None or not alike(view, before):
            self._forget_blocks()
        else:
            self._layer.place(view.arguments)
        self._layer.keep_for(view.layer)
        region = central(view.request.region, view.scale)
        if region != self._shown:
            known, plane_is_known = frozenset(self._blocks), self._plane.is_complete
            request = replace(view.request, known=known, plane_is_known=plane_is_known)
            self._launch(replace(request, region=region))
        elif not self._exact:
            self._compute_plane(view)

    def _forget_blocks(self) -> None:
        self._blocks.clear()
        self._plane.forget()
        self._shown = None

    def _compute_plane(self, view: View) -> None:
        """Compute the whole plane, because the region alone is not exact."""
        if view.plane_bytes <= KEPT:
            self._plane.begin(replace(view.request, whole_plane=True))
        self._tell()

    def _computes(self, view: View | str | None) -> bool:
        """Return whether the worker already computes this view; move the layer with its source."""
        if not isinstance(view, View) or self._view is None or not alike(view, self._view):
            return False
        self._layer.place(view.arguments)
        return central(view.request.region, view.scale) == self._asked

    def _launch(self, request: PreviewRequest) -> None:
        self.told.emit("Preview …")
        self._plane.pause()
        self._asked = request.region
        worker = create_run(
            run_in_view,
            request,
            yielded=self._show,
            returned=self._tell_end,
            errored=self._tell_error,
            finished=self._end,
        )
        self._worker = worker
        self.destroyed.connect(worker.quit)
        worker.start()

    def _end(self) -> None:
        stopped = self._worker is not None and self._worker.abort_requested
        self._worker = None
        self._plane.resume()
        if not self._on:
            return
        self._layer.refresh(at_once=True)
        if stopped and not self._pause.isActive():
            self._pause.start()

    def _tell_end(self, exact: bool) -> None:
        if self._on and self._view is not None:
            self._shown, self._exact = self._asked, exact
            if exact:
                self._tell()
            else:
                self._compute_plane(self._view)

    def _tell(self) -> None:
        """Tell the user what is shown, unless another region is being computed."""
        view, shown = self._view, self._shown
        if self._on and view is not None and shown is not None and shown == self._asked:
            self._exact = self._exact or self._plane.is_complete
            follows = view.plane_bytes <= KEPT and not self._plane.has_failed
            share = self._plane.share if follows else None
            self.told.emit(in_words(view, shown, exact=self._exact, share=share))

    def _tell_error(self, error: Exception) -> None:
        forget_locals(error)
        if self._on:
            self.told.emit(f"No preview: {error_in_words(error)}")

    # showing

    def _show(self, part: PreviewBlock | float | None) -> None:
        view = self._view
        if not isinstance(part, PreviewBlock) or view is None or not self._on:
            return
        if not part.computed:
            arguments = view.arguments(part.core)
            self._layer.show(view.layer, part.core, view.factor, part.values, arguments)
            self._paste(self._blocks)
            self._paste(self._plane.blocks)
            self._layer.refresh(at_once=True)
            return
        self._blocks[part.core.spans] = part.values
        self._drop_old_blocks()
        self._layer.paste(part.core, part.values)
        self._paste(self._plane.blocks)
        self._layer.refresh()

    def _show_exact(self, part: PreviewBlock) -> None:
        """Show a part of the whole plane's result."""
        self._layer.paste(part.core, part.values)
        self._layer.refresh()

    def _paste(self, blocks: dict[Any, NDArray[Any]]) -> None:
        for spans, values in blocks.items():
            self._layer.paste(Region(*(slice(*span) for span in spans)), values)

    def _drop_old_blocks(self) -> None:
        size = sum(values.nbytes for values in self._blocks.values())
        while size > KEPT:
            size -= self._blocks.pop(next(iter(self._blocks))).nbytes

    def _notice_removal(self, event: Any) -> None:
        """Switch off if the user removes the preview's layer."""
        if self._layer.is_it(event.value):
            self.switch(False)
            self.switched_off.emit()
