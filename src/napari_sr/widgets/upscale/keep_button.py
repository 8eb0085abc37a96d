"""The button that keeps the finished part of a cancelled run."""

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

    It is hidden, and keeps no pixels in memory, unless a part is offered.

    Parameters
    ----------
    add : callable
        Takes a run, pixels, their record, and keyword arguments of `add_image` that replace the
        run's; adds the layer.
    """

    kept = Signal(object, object, str)
    """Emitted with the source layer, the new layer, and a sentence for the user."""

    def __init__(self, add: Callable[..., Image], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._add = add
        self._offered: tuple[PendingRun, FinishedPart, dict[str, Any]] | None = None
        self.setVisible(False)
        self.clicked.connect(self._keep)

    def offer(self, pending: PendingRun, partial: PartialResult) -> None:
        """Offer the finished part of a cancelled run, if there is one."""
        part = partial.finished()
        if part is None:
            return
        record = dict(partial.record)
        self._offered = pending, part, record
        self.setText(f"Keep the finished part ({_percent(part.share)})")
        self.setToolTip(
            f"Add {_words(part, record) or 'all'} of the result of {pending.layer.name} as a layer "
            f"at its position.\nUntil you press this or change the form, the pixels take "
            f"{size_in_words(part.pixels.nbytes)} of memory."
        )
        self.setVisible(True)

    def forget(self) -> None:
        """Offer nothing, and free the memory of the offered part."""
        self._offered = None
        self.setVisible(False)

    def forget_without(self, layers: Container[Layer]) -> None:
        """Free the memory of the offered part if its source layer was removed."""
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
            told = f". It ends at the frame; beyond, nothing was computed, and you see {source}"
        layer = self._add(pending, part.pixels, record, **part_arguments(pending, part, words))
        layer.bounding_box.visible = bool(words)
        layer.bounding_box.points = False
        self.kept.emit(pending.layer, layer, f"Kept: {layer.name}{told}.")


def _words(part: FinishedPart, record: dict[str, Any]) -> str:
    """Return the part's extent, such as "512 of 2048 rows" of the source; "" if complete."""
    return part_in_words(part.pixels.shape, part.shape, part.axes, int(record["scale"]))


def _percent(share: float) -> str:
    """Return a share as a percentage, which is 100 only if the share is 1."""
    return "100 %" if share == 1 else f"{min(max(round(100 * share), 1), 99)} %"
