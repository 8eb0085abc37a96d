"""The comparison of two layers in a viewer, one at a time; its end restores the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from qtpy.QtCore import QObject, Qt, Signal

from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.compare.curtain import canvas_of
from napari_sr.widgets.compare.kept_state import KeptState, LinkedLook, share_look
from napari_sr.widgets.compare.modes import MODES
from napari_sr.widgets.compare.on_canvas import CanvasWatch, is_alive
from napari_sr.widgets.compare.slider import Slider

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from napari.utils.events import Event

    from napari_sr.widgets.compare.mode import Mode

FLAT = "The slider needs a view in 2D: press Ctrl+Y, or choose Side by side or Blink."
NO_CANVAS = "The slider needs napari's canvas, which is not available here: choose another mode."


class Comparison(QObject):
    """A comparison of two layers of a viewer, in one of three modes; get it from `comparison_of`.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    """

    changed = Signal()
    """Emitted when a mode begins or ends."""
    removed = Signal(object)
    """Emitted when a layer is removed from the viewer, if the comparison has an owner."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.mode: str | None = None
        self.pair: tuple[Image, Image] | None = None
        self.owner: object = None
        self.sentence = ""
        self._shown: Mode | None = None
        self._kept = KeptState()
        self._look: LinkedLook | None = None
        self._watch: CanvasWatch | None = None
        self._line = Slider.share, Slider.horizontal
        self._owners: list[object] = []

    def join(self, owner: object) -> None:
        """Register an owner, which uses the comparison until it calls `leave`."""
        if not self._owners:
            self.viewer.layers.events.removed.connect(self._tell_removed)
        self._owners.append(owner)

    def leave(self, owner: object, *_: object) -> None:
        """Unregister an owner, and end the comparison if this owner started it."""
        if not hasattr(getattr(self, "viewer", None), "layers"):
            return  # the garbage collector has already emptied this object or the viewer
        self.stop_for(owner)
        if owner in self._owners:
            self._owners.remove(owner)
            if not self._owners:
                self.viewer.layers.events.removed.disconnect(self._tell_removed)

    def problem(self, mode: str, before: Image | None, after: Image | None) -> str | None:
        """Return the reason why two layers cannot be compared in a mode, or None."""
        before, after = unwrapped(before), unwrapped(after)
        if before is None or after is None:
            return "Choose two image layers to compare."
        if before is after:
            return f"Choose two different layers: both are {before.name}."
        for layer in (before, after):
            if layer not in self.viewer.layers:
                return f"The layer {layer.name} is no longer in the viewer."
        if mode != "slider":
            return None
        if self.viewer.dims.ndisplay != 2:
            return FLAT
        return NO_CANVAS if canvas_of(self.viewer) is None else None

    def start(self, mode: str, before: Image, after: Image, owner: object = None) -> None:
        """Compare two layers; an earlier comparison ends.

        Parameters
        ----------
        mode : str
            "slider", "side by side" or "blink".
        before, after : Image
            Two layers of the viewer.
        owner : object
            The object that starts the comparison, for `stop_for`.

        Raises
        ------
        ValueError
            If `problem` returns a reason.
        """
        before, after = unwrapped(before), unwrapped(after)
        problem = self.problem(mode, before, after)
        if problem is not None:
            raise ValueError(problem)
        self._end()
        self.mode, self.pair, self.owner = mode, (before, after), owner
        self._shown = shown = MODES[mode](self.viewer, before, after, self._kept)
        if isinstance(shown, Slider):
            shown.share, shown.horizontal = self._line
        if share_look(before, after):
            self._look = LinkedLook(before, after, self._kept)
        shown.begin()
        self._listen(shown)
        self.sentence = shown.hint
        self.changed.emit()

    def stop(self, reason: object = "") -> None:
        """End the comparison, restore the viewer, and show the reason for the end, if any."""
        if self._shown is None:
            return
        self._end()
        self.sentence = reason if isinstance(reason, str) else ""
        self.changed.emit()

    def stop_for(self, owner: object) -> None:
        """End the comparison if this owner started it."""
        if self.owner is owner:
            self.stop()

    def turn(self) -> None:
        """Make the slider's line horizontal or vertical."""
        if isinstance(self._shown, Slider):
            self._shown.turn()

    def _listen(self, shown: Mode) -> None:
        layers, dims = self.viewer.layers.events, self.viewer.dims.events
        layers.removed.connect(self._on_removed)
        layers.reordered.connect(self._on_other_order)
        layers.inserted.connect(self._on_other_order)
        dims.ndisplay.connect(self._on_other_dimensions)
        if shown.native is not None:
            self._watch = CanvasWatch(shown.native, shown.place, self._on_key)
            shown.native.destroyed.connect(self.stop)

    def _end(self) -> None:
        """Undo all changes, in reverse order."""
        shown, self._shown = self._shown, None
        if shown is None:
            return
        layers, dims = self.viewer.layers.events, self.viewer.dims.events
        layers.removed.disconnect(self._on_removed)
        layers.reordered.disconnect(self._on_other_order)
        layers.inserted.disconnect(self._on_other_order)
        dims.ndisplay.disconnect(self._on_other_dimensions)
        if self._watch is not None and shown.native is not None:
            self._watch.leave()
            self._watch = None
            if is_alive(shown.native):
                shown.native.destroyed.disconnect(self.stop)
        if isinstance(shown, Slider):
            self._line = shown.share, shown.horizontal
        if self._look is not None:
            self._look.leave()
            self._look = None
        shown.end()
        self._kept.restore()
        self.mode = self.pair = self.owner = None

    def _on_key(self, key: int, pressed: bool, large: bool) -> bool:
        if key == Qt.Key.Key_Escape and pressed:
            self.stop()
            return True
        return self._shown is not None and self._shown.key(key, pressed, large)

    def _on_removed(self, event: Event) -> None:
        gone = event.value
        if self.pair is not None and any(layer is gone for layer in self.pair):
            self.stop(f"The comparison ended: the layer {gone.name} was removed.")
        elif self._shown is not None:
            self._shown.place()

    def _tell_removed(self, event: Event) -> None:
        self.removed.emit(event.value)

    def _on_other_order(self, event: object = None) -> None:
        if self._shown is not None:
            self._shown.place()

    def _on_other_dimensions(self, event: object = None) -> None:
        if self.mode == "slider" and self.viewer.dims.ndisplay != 2:
            self.stop(f"The slider ended. {FLAT}")


_comparisons: WeakValueDictionary[int, Comparison] = WeakValueDictionary()
"""Comparisons by the `id` of their viewer, which exists at least as long as the comparison."""


def comparison_of(viewer: ViewerModel) -> Comparison:
    """Return the comparison of a viewer; it exists as long as an owner refers to it."""
    viewer = unwrapped(viewer)
    found = _comparisons.get(id(viewer))
    if found is None:
        found = _comparisons[id(viewer)] = Comparison(viewer)
    return found
