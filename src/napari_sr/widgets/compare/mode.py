"""What all ways to show two layers have in common."""

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
    """A way to show two layers of a viewer; `end` undoes what `kept` does not restore.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer; without a window there are no names on its canvas.
    before, after : Image
        Two of its layers.
    kept : KeptState
        Takes all changes to layers and viewer, and restores them later.
    """

    hint: ClassVar[str]
    """What the user can do now."""

    def __init__(self, viewer: ViewerModel, before: Image, after: Image, kept: KeptState) -> None:
        self.viewer, self.before, self.after, self.kept = viewer, before, after, kept
        canvas = canvas_of(viewer)
        self.native: QWidget | None = None if canvas is None else canvas.native
        self.tags: list[Tag] = []

    def begin(self) -> None:
        """Show the layers; a grid that the user had is off meanwhile."""
        self.kept.change(grid_of(self.viewer), "enabled", False)
        for layer in self.viewer.layers:
            if layer is self.before or layer is self.after:
                self.kept.change(layer, "visible", True)
            elif self.hides(layer):
                self.kept.change(layer, "visible", False)

    def hides(self, layer: Any) -> bool:
        """Return whether another layer is hidden: images, which would cover the two."""
        return layer.visible and isinstance(layer, Image)

    def place(self) -> None:
        """Put what lies on the canvas in its place; the canvas may have another size."""

    def key(self, key: int, pressed: bool, large: bool) -> bool:
        """React to a key of the canvas; return whether it was handled."""
        return False

    def end(self) -> None:
        """Remove what lies on the canvas."""
        for tag in self.tags:
            if is_alive(tag):
                tag.hide()
                tag.deleteLater()
        self.tags = []

    def titles(self) -> tuple[str, str]:
        """Return the names of both layers, for the canvas."""
        return f"Before: {self.before.name}", f"After: {self.after.name}"


def grid_of(viewer: ViewerModel) -> Any:
    """Return the model of the grid: its place since napari 0.9, and before."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid
