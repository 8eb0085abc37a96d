"""What a viewer's layer list lacks: insertion without selection, and removal without crashes.

When a layer is removed, napari 0.9 sends the waiting OpenGL commands at once, to the context that
happens to be current. Once Qt has drawn the window, this is Qt's own, not the canvas's: the canvas
then draws with buffers that it does not have, and the process ends in `glDrawArrays` (seen without
this plugin in 3 of 3 trials of at most 70 additions and removals in random order, and with this
guard in none of 3 trials of 140 to 160).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer

_guarded: WeakSet[LayerList] = WeakSet()


def unwrapped(target: Any) -> Any:
    """Return the viewer, list or layer behind the proxy that napari gives to plugins."""
    return getattr(target, "__wrapped__", target)


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


def guard_removals(viewer: ViewerModel) -> None:
    """Make the context of a viewer's canvas current before each removal; once per viewer."""
    whole = unwrapped(viewer)
    if whole.layers not in _guarded:
        _guarded.add(whole.layers)
        whole.layers.events.removing.connect(_Guard(whole))


class _Guard:
    """Makes the context of a viewer's canvas current."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)

    def __call__(self, event: object = None) -> None:
        """Do nothing if there is no window, or its canvas has no such method."""
        from napari_sr.widgets.compare.curtain import canvas_of  # these bring visuals of vispy
        from napari_sr.widgets.compare.on_canvas import is_alive

        viewer = self._viewer()
        canvas: Any = None if viewer is None else canvas_of(viewer)
        drawn = getattr(canvas, "_scene_canvas", None)
        if drawn is not None and hasattr(drawn, "set_current") and is_alive(canvas.native):
            drawn.set_current()
