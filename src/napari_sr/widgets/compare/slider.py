"""The slider: a line in the canvas with one layer on each side."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_sr.widgets.compare.curtain import Curtain
from napari_sr.widgets.compare.mode import EDGE, Mode
from napari_sr.widgets.compare.on_canvas import Handle, Tag, is_alive

BESIDE = 8
"""Distance of names from the line, in screen pixels."""


class Slider(Mode):
    """A line in the canvas with one layer on each side."""

    hint = "Drag the line, or press arrow keys (Shift: larger steps). Esc ends."
    share, horizontal = 0.5, False

    def begin(self) -> None:
        """Show the layers on the two sides of the line, and give the handle the keyboard focus."""
        super().begin()
        self._focused = QApplication.focusWidget()
        self._curtain = Curtain(
            self.viewer, self.before, self.after, share=self.share, horizontal=self.horizontal
        )
        self._handle: Handle | None = None
        if self.native is not None:
            self.tags = [Tag(self.native), Tag(self.native)]
            self._handle = Handle(self.native, self.share, self.horizontal)
            self._handle.moved.connect(self._move)
            self._handle.turned.connect(self.turn)
            self._handle.setFocus(Qt.FocusReason.OtherFocusReason)
        self.place()

    def turn(self) -> None:
        """Make a vertical line horizontal, or a horizontal one vertical."""
        self.horizontal = not self.horizontal
        self._curtain.horizontal = self.horizontal
        if self._handle is not None:
            self._handle.horizontal = self.horizontal
        self._move(self.share)

    def place(self) -> None:
        """Put handle and names beside the line."""
        if self._handle is None or self.native is None:
            return
        self._handle.place()
        width, height = self.native.width(), self.native.height()
        for tag, title, side in zip(self.tags, self.titles(), (-1, 1), strict=True):
            tag.say(title, width // 2 - 4 * EDGE)
            line = round(self.share * (height if self.horizontal else width))
            size = tag.height() if self.horizontal else tag.width()
            at = line + BESIDE if side > 0 else line - BESIDE - size
            tag.move(EDGE, at) if self.horizontal else tag.move(at, EDGE)
        self._handle.raise_()

    def key(self, key: int, pressed: bool, large: bool) -> bool:
        """Move the line by keys pressed in the canvas, unless these keys step through a stack."""
        steps = any(count > 1 for count in np.asarray(self.viewer.dims.nsteps)[_sliders(self)])
        return pressed and not steps and self._handle is not None and self._handle.press(key, large)

    def end(self) -> None:
        """Show both layers completely, and give the keyboard focus back."""
        super().end()
        self._curtain.end()
        if self._handle is not None and is_alive(self._handle):
            had_focus = self._handle.hasFocus()
            self._handle.hide()
            self._handle.deleteLater()
            if had_focus and self._focused is not None and is_alive(self._focused):
                self._focused.setFocus(Qt.FocusReason.OtherFocusReason)

    def _move(self, share: float) -> None:
        self.share = share
        self._curtain.move(share)
        self.place()


def _sliders(mode: Mode) -> list[int]:
    """Return the axes of a viewer that are not displayed."""
    return [axis for axis in range(mode.viewer.dims.ndim) if axis not in mode.viewer.dims.displayed]
