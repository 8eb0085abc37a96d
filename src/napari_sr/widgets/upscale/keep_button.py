"""The button that keeps what a cancelled run has finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_sr.runs.words import part_in_words, size_in_words
from napari_sr.widgets.upscale.result import part_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from napari.layers import Image, Layer
    from qtpy.QtWidgets import QWidget

    from napari_sr.engine.execution.partial_result import FinishedPart, PartialResult
    from napari_sr.widgets.upscale.queue import PendingRun


class KeepButton(QPushButton):
    """A button that adds the finished part of a cancelled run as a layer.

    It is hidden, and holds no pixels, unless a part is offered.

    Parameters
    ----------
    add : callable
        Takes a run, pixels, their record and keywords of `add_image` that differ from the run's;
        adds the layer.
    """

    kept = Signal(object, object, str)
    """The source layer, the new layer, and a sentence on them."""

    def __init__(self, add: Callable[..., Image], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._add = add
        self._offered: tuple[PendingRun, FinishedPart, dict[str, Any]] | None = None
        self.setVisible(False)
        self.clicked.connect(self._keep)

    def offer(self, pending: PendingRun, partial: PartialResult) -> None:
        """Offer what a cancelled run has finished; do nothing if that is nothing."""
        part = partial.finished()
        if part is None:
            return
        record = dict(partial.record)
        self._offered = pending, part, record
        self.setText(f"Keep the finished part ({_percent(part.share)})")
        self.setToolTip(
            f"Add {_words(part, record) or 'all'} of the result of {pending.layer.name} as a layer "
            f"in its place.\nUntil you press this or change the form, the pixels take "
            f"{size_in_words(part.pixels.nbytes)} of memory."
        )
        self.setVisible(True)

    def forget(self) -> None:
        """Free the part that is offered."""
        self._offered = None
        self.setVisible(False)

    def forget_without(self, layers: Container[Layer]) -> None:
        """Free the part that is offered if its source layer was removed."""
        if self._offered is not None and self._offered[0].layer not in layers:
            self.forget()

    def _keep(self) -> None:
        if self._offered is None:
            return
        (pending, part, record), self._offered = self._offered, None
        self.setVisible(False)
        words, source = _words(part, record), pending.layer.name
        told = ""
        if words:
            record = {**record, "kept": part.spans}
            told = f". It ends at the frame; the rest was not computed, and you see {source} there"
        layer = self._add(pending, part.pixels, record, **part_arguments(pending, part, words))
        layer.bounding_box.visible = bool(words)
        layer.bounding_box.points = False
        self.kept.emit(pending.layer, layer, f"Kept: {layer.name}{told}.")


def _words(part: FinishedPart, record: dict[str, Any]) -> str:
    """Return what the part has, such as "512 of 2048 rows" of the source; "" if it is complete."""
    return part_in_words(part.pixels.shape, part.shape, part.axes, int(record["scale"]))


def _percent(share: float) -> str:
    """Return a share as a percentage, which is 100 only if the share is 1."""
    return "100 %" if share == 1 else f"{min(max(round(100 * share), 1), 99)} %"
