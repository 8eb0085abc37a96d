"""The base class of the modes that show two layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from napari.layers import Image

from napari_sr.widgets.compare.curtain import canvas_of
from napari_sr.widgets.compare.on_canvas import Tag, is_alive

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

    from napari_sr.widgets.compare.kept_state import KeptState

EDGE = 10
"""Distance of names from the edge of the canvas, in screen pixels."""


class Mode:
    """A way to show two layers of a viewer.

    At the end of a comparison, `end` removes the widgets, and `kept` restores layers and viewer.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer; without a window there are no names on its canvas.
    before, after : Image
        Two layers of the viewer.
    kept : KeptState
        Makes all changes to layers and viewer, and restores them later.
    """

    hint: ClassVar[str]
    """A sentence that tells the user what to do in this mode."""

    def __init__(self, viewer: ViewerModel, before: Image, after: Image, kept: KeptState) -> None:
        self.viewer, self.before, self.after, self.kept = viewer, before, after, kept
        canvas = canvas_of(viewer)
        self.native: QWidget | None = None if canvas is None else canvas.native
        self.tags: list[Tag] = []

    def begin(self) -> None:
        """Show the two layers, hide others, and switch off the user's grid until the mode ends."""
        self.kept.change(grid_of(self.viewer), "enabled", False)
        for layer in self.viewer.layers:
            if layer is self.before or layer is self.after:
                self.kept.change(layer, "visible", True)
            elif self.hides(layer):
                self.kept.change(layer, "visible", False)

    def hides(self, layer: Any) -> bool:
        """Return whether to hide another layer: true for images, which would cover the two."""
        return layer.visible and isinstance(layer, Image)

    def place(self) -> None:
        """Place the widgets on the canvas again, because its size may have changed."""

    def key(self, key: int, pressed: bool, large: bool) -> bool:
        """Handle a key that is pressed in the canvas; return whether it was handled."""
        return False

    def end(self) -> None:
        """Remove the widgets from the canvas."""
        for tag in self.tags:
            if is_alive(tag):
                tag.hide()
                tag.deleteLater()
        self.tags = []

    def titles(self) -> tuple[str, str]:
        """Return the names of both layers, for the canvas."""
        return f"Before: {self.before.name}", f"After: {self.after.name}"


def grid_of(viewer: ViewerModel) -> Any:
    """Return the model of napari's grid mode, which napari 0.9 moved to another attribute."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid
