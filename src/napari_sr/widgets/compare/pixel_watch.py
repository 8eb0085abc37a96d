"""Notice when pixels of layers change, even in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_sr.widgets.common.layer_source import drawn_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import Dims
    from napari.layers import Image
    from napari.utils.events import Event


class PixelWatch(QObject):
    """Reports when the shown pixels of some layers change, or their contrast limits.

    Showing another plane, or another part of a multiscale layer, does not count as a change.

    Parameters
    ----------
    dims : Dims
        The viewer's sliders.
    parent : QObject, optional
    """

    changed = Signal()

    def __init__(self, dims: Dims, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dims = dims
        self._drawn: list[tuple[Image, tuple[object, ...]]] = []

    def follow(self, layers: Iterable[Image]) -> None:
        """Listen to these layers only."""
        wanted = list(dict.fromkeys(layers))
        if wanted == [layer for layer, _ in self._drawn]:
            return
        for layer, _ in self._drawn:
            layer.events.set_data.disconnect(self._notice)
            layer.events.contrast_limits.disconnect(self._tell)
        self._drawn = [(layer, drawn_part(layer, self._dims)) for layer in wanted]
        for layer, _ in self._drawn:
            layer.events.set_data.connect(self._notice)
            layer.events.contrast_limits.connect(self._tell)

    def _notice(self, event: Event) -> None:
        """Report a change if napari drew the same part again."""
        now = [(layer, drawn_part(layer, self._dims)) for layer, _ in self._drawn]
        same = any(
            layer is event.source and part == before
            for (layer, part), (_, before) in zip(now, self._drawn, strict=True)
        )
        self._drawn = now
        if same:
            self.changed.emit()

    def _tell(self, event: object = None) -> None:
        self.changed.emit()
