"""Add a layer to a viewer without selecting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.widgets.compare.kept_state import unwrapped

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer


def insert_unselected(layers: LayerList, index: int, layer: Layer) -> None:
    """Insert a layer; the selection stays, and tells nobody of a change.

    napari's `insert` selects the layer, for which it builds and shows controls. Forms that follow
    the selection would take that, and a restored selection, for a choice of the user.

    Parameters
    ----------
    layers : LayerList
        The viewer's layers.
    index : int
        Where to insert the layer.
    layer : Layer
        The new layer.
    """
    whole = unwrapped(layers)  # in a window, a form gets a proxy without private attributes
    before = whole._activate_on_insert
    whole._activate_on_insert = False
    try:
        whole.insert(index, layer)
    finally:
        whole._activate_on_insert = before
