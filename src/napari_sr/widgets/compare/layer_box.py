"""A list of the viewer's layers of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal

from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.names_box import NamesBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget


class LayerBox(NamesBox):
    """A list of layers of one class; a layer that the user chose stays chosen until it is removed.

    Parameters
    ----------
    kind : type
        Class of the layers.
    none : str
        Text of a first row that means no layer; "" if there is no such row.
    """

    chosen = Signal()
    """Emitted when another layer is chosen, or none."""

    def __init__(self, kind: type[Layer], *, none: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind, self._none = kind, none
        self._layers: list[Any] = []
        self._by_user: Any = None
        self._told: Any = None
        self.activated.connect(self._choose)
        self.currentIndexChanged.connect(self._tell)

    def layer(self) -> Any | None:
        """Return the chosen layer."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def offer(self, layers: Iterable[Layer], usual: Layer | None = None) -> None:
        """List layers. Keep the user's choice if it is among them; otherwise, choose `usual`."""
        known = [unwrapped(layer) for layer in layers]
        listed = [layer for layer in known if isinstance(layer, self._kind)]
        self._layers = [None, *listed] if self._none else listed
        if self._by_user not in listed:
            self._by_user = None
        wanted = self._by_user if self._by_user is not None else unwrapped(usual)
        self.blockSignals(True)
        self.clear()
        self.addItems([self._none if one is None else one.name for one in self._layers])
        self.setCurrentIndex(self._layers.index(wanted) if wanted in self._layers else 0)
        self.blockSignals(False)
        self._tell()

    def choose(self, layer: Layer | None) -> None:
        """Choose a layer, as if the user did."""
        self._by_user = unwrapped(layer)
        if self._by_user in self._layers:
            self.setCurrentIndex(self._layers.index(self._by_user))

    def leave(self) -> None:
        """Forget all layers."""
        self._layers, self._by_user, self._told = [], None, None

    def _choose(self) -> None:
        self._by_user = self.layer()

    def _tell(self) -> None:
        if self.layer() is not self._told:
            self._told = self.layer()
            self.chosen.emit()
