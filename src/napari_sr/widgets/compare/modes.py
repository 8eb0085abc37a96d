"""The modes side by side and blink, and the list of all modes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt

from napari_sr.widgets.compare.mode import EDGE, Mode, grid_of
from napari_sr.widgets.compare.on_canvas import Tag
from napari_sr.widgets.compare.slider import Slider

if TYPE_CHECKING:
    from napari.layers import Image

GAP = 4
"""Screen pixels between two views side by side."""
MOST_STRIDE = 50
"""Largest stride of napari's grid."""


class SideBySide(Mode):
    """Two views of napari's grid, which share one camera."""

    hint = "Both views move together. Esc ends."

    def begin(self) -> None:
        """Show only the two layers, each in a separate view."""
        super().begin()
        camera = getattr(self.viewer, "scene", self.viewer).camera
        whole = self._shows_all(camera)
        grid = grid_of(self.viewer)
        self.kept.change(grid, "shape", (1, 2))
        self.kept.change(grid, "spacing", GAP)
        self.kept.change(grid, "enabled", True)
        self._order()
        if whole:
            fitted = camera.center, camera.zoom
            self.viewer.reset_view()
            shown = camera.center, camera.zoom
            camera.center, camera.zoom = fitted
            self.kept.change(camera, "zoom", shown[1])
            self.kept.change(camera, "center", shown[0])
        if self.native is not None:
            self.tags = [Tag(self.native), Tag(self.native)]
        self.place()

    def hides(self, layer: Any) -> bool:
        """Return whether to hide another layer: true for all, because each would get a view."""
        return bool(layer.visible)

    def place(self) -> None:
        """Put each name on its view, because the order of layers may have changed."""
        self._order()
        if self.native is None:
            return
        half = self.native.width() // 2
        for tag, title, left in zip(self.tags, self.titles(), (0, half), strict=True):
            tag.say(title, half - 4 * EDGE)
            tag.move(left + (half - tag.width()) // 2, EDGE)

    def _order(self) -> None:
        """Choose the stride that puts the layers into the left and the right view."""
        grid, layers = grid_of(self.viewer), self.viewer.layers
        wanted = {layers.index(self.before): (0, 0), layers.index(self.after): (0, 1)}
        strides = [
            sign * stride
            for stride in range(1, min(len(layers), MOST_STRIDE) + 1)
            for sign in (1, -1)
        ]
        # a separate grid for the trials, so that the canvas changes only once
        trial = type(grid)(shape=(1, 2), enabled=True)
        for stride in strides:
            trial.stride = stride
            if all(_position(trial, at, layers) == place for at, place in wanted.items()):
                if grid.stride != stride:
                    self.kept.change(grid, "stride", stride)
                return

    def _shows_all(self, camera: Any) -> bool:
        """Return whether both layers are completely visible now."""
        canvas = getattr(self.viewer, "canvas", None)
        size = getattr(self.viewer, "_canvas_size", None) if canvas is None else canvas.size
        if size is None:
            return True
        extent = np.asarray(self.viewer.layers.extent.world)
        shown = list(self.viewer.dims.displayed)[-2:]
        sides = (extent[1] - extent[0])[shown] * camera.zoom
        return bool((sides <= np.asarray(size) * 1.001).all())


class Blink(Mode):
    """Shows "after", or "before" while a key or the name on the canvas is pressed."""

    hint = 'Hold B, or press and hold the name on the canvas, to see "before". Esc ends.'

    def begin(self) -> None:
        """Show "after", and its name, which can be pressed."""
        super().begin()
        if self.native is not None:
            tag = Tag(self.native, pressable=True)
            tag.setToolTip('Press and hold to see "before" (or hold the key B).')
            tag.pressed.connect(self.show_before)
            tag.released.connect(self.show_after)
            self.tags = [tag]
        self.show_after()

    def show_before(self) -> None:
        """Show "before" instead of "after"."""
        self._show(self.before, self.after)

    def show_after(self) -> None:
        """Show "after" instead of "before"."""
        self._show(self.after, self.before)

    def key(self, key: int, pressed: bool, large: bool) -> bool:
        """Show "before" while B is held."""
        if key != Qt.Key.Key_B:
            return False
        shown = self.before if pressed else self.after
        if not shown.visible:
            self.show_before() if pressed else self.show_after()
        return True

    def place(self) -> None:
        """Put the name in the middle of the canvas's upper edge."""
        if self.native is None:
            return
        shown = self.titles()[not self.before.visible]
        for tag in self.tags:
            tag.say(shown, self.native.width() - 4 * EDGE)
            tag.move((self.native.width() - tag.width()) // 2, EDGE)

    def _show(self, shown: Image, hidden: Image) -> None:
        # in this order, the canvas is never empty
        self.kept.change(shown, "visible", True)
        self.kept.change(hidden, "visible", False)
        self.place()


MODES: dict[str, type[Mode]] = {"slider": Slider, "side by side": SideBySide, "blink": Blink}
"""All modes by name."""


def _position(grid: Any, index: int, layers: Any) -> tuple[int, int]:
    """Return a layer's row and column in a grid; the arguments depend on napari's version."""
    known = inspect.signature(grid.position).parameters
    found: tuple[int, int] = grid.position(index, layers if "layers" in known else len(layers))
    return found
