"""Qt widgets on napari's canvas: the slider's handle, names of layers, and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QPushButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

BREADTH = 31
"""Breadth of the handle in screen pixels; odd, so that the line is in the middle."""
RADIUS = 14.0
STEP, LARGE_STEP = 0.01, 0.1
"""Steps by which keys move the line, as a share of the canvas."""
LIGHT, DARK, FOCUSED = QColor("#ffffff"), QColor("#1c1c1c"), QColor("#3fa7ff")
"""Colours of the line, of its edges, and of the focused handle's edge; visible on any image."""
_TAG = (
    "QPushButton {{ background-color: rgba(20, 20, 20, 205); color: white; border-radius: 4px;"
    " border: 1px solid rgba(255, 255, 255, 110); padding: 3px 8px; }}"
    " QPushButton:pressed {{ background-color: {pressed}; }}"
)


def is_alive(widget: QObject) -> bool:
    """Return whether a widget still exists: Qt may have deleted it, for example with its window."""
    return bool(isalive(widget))  # type: ignore[no-untyped-call]  # qtpy has no types here


class Handle(QWidget):
    """The line between two layers, which the mouse can drag and keys can move.

    Parameters
    ----------
    canvas : QWidget
        The canvas, parent of the handle.
    share : float
        Position, as a share of the canvas's width or height.
    horizontal : bool
        Whether the line is horizontal.
    """

    moved = Signal(float)
    """Emitted with the new position, as a share of the canvas's width or height."""
    turned = Signal()
    """Emitted when the handle is double-clicked."""

    def __init__(self, canvas: QWidget, share: float, horizontal: bool) -> None:
        super().__init__(canvas)
        self.share, self.horizontal = share, horizontal
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(
            "Drag, or press an arrow key (Shift: larger steps; Home, End).\n"
            "Double-click to turn the line. Esc ends."
        )
        self.place()
        self.show()

    def place(self) -> None:
        """Adapt to the position, the direction and the size of the canvas."""
        width, height = self._canvas_size()
        if self.horizontal:
            self.setGeometry(0, round(self.share * height) - BREADTH // 2, width, BREADTH)
            self.setCursor(Qt.CursorShape.SplitVCursor)
        else:
            self.setGeometry(round(self.share * width) - BREADTH // 2, 0, BREADTH, height)
            self.setCursor(Qt.CursorShape.SplitHCursor)
        side = "top" if self.horizontal else "left"
        self.setAccessibleName("Line between before and after")
        self.setAccessibleDescription(f"{self.share:.0%} of the canvas from the {side}")
        self.update()

    def move_to(self, share: float) -> None:
        """Move the line; positions outside the canvas are limited to its edge."""
        share = min(max(share, 0.0), 1.0)
        if share != self.share:
            self.share = share
            self.place()
            self.moved.emit(share)

    def press(self, key: int, large: bool) -> bool:
        """Handle a key; return whether the handle uses it."""
        less, more = _LESS_MORE[self.horizontal]
        if key in (less, more):
            step = LARGE_STEP if large else STEP
            self.move_to(self.share + (step if key == more else -step))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.move_to(0.0 if key == Qt.Key.Key_Home else 1.0)
        else:
            return False
        return True

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        """Move by arrow keys; the canvas gets all other keys."""
        large = event is not None and bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event is not None and not self.press(event.key(), large):
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        """Begin to drag."""
        if event is not None:
            event.setAccepted(event.button() == Qt.MouseButton.LeftButton)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        """Follow the mouse."""
        if event is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        at = self.mapToParent(event.position().toPoint())
        width, height = self._canvas_size()
        self.move_to(at.y() / max(height, 1) if self.horizontal else at.x() / max(width, 1))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802  # Qt's name
        """End dragging; the canvas must not get the release, because it did not get the press."""

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Emit `turned`, so that the line becomes horizontal or vertical."""
        self.turned.emit()

    def focusInEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        """Show the loss of the focus."""
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw a light line with dark edges, and a round grip with two arrows in its middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # the line lies between two pixels
        if self.horizontal:
            painter.translate(self.width() // 2, BREADTH // 2)
            painter.rotate(90)
        else:
            painter.translate(BREADTH // 2, self.height() // 2)
        long = max(self.width(), self.height())
        painter.fillRect(QRectF(-2, -long, 4, 2 * long), DARK)
        painter.fillRect(QRectF(-1, -long, 2, 2 * long), LIGHT)
        painter.setPen(QPen(FOCUSED if self.hasFocus() else DARK, 2))
        painter.setBrush(LIGHT)
        painter.drawEllipse(QPointF(0, 0), RADIUS, RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(DARK)
        for side in (-1, 1):
            corners = ((side * 9.5, 0), (side * 3.5, -5), (side * 3.5, 5))
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))

    def _canvas_size(self) -> tuple[int, int]:
        canvas = self.parentWidget() or self
        return canvas.width(), canvas.height()


_LESS_MORE = {
    False: (Qt.Key.Key_Left, Qt.Key.Key_Right),
    True: (Qt.Key.Key_Up, Qt.Key.Key_Down),
}


class Tag(QPushButton):
    """A name on the canvas. Mouse presses on it go to the canvas, unless it is `pressable`.

    Parameters
    ----------
    canvas : QWidget
        The canvas, parent of the tag.
    pressable : bool
        Whether the tag reacts to the mouse.
    """

    def __init__(self, canvas: QWidget, *, pressable: bool = False) -> None:
        super().__init__(canvas)
        self.setStyleSheet(_TAG.format(pressed="#2f6fb0" if pressable else "transparent"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not pressable)

    def say(self, text: str, most: int) -> None:
        """Show a text, with its middle cut if it is wider than `most` pixels."""
        self.setText(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, most))
        self.setAccessibleName(text)
        self.adjustSize()
        self.show()
        self.raise_()


class CanvasWatch(QObject):
    """Reports when the canvas changes its size, and handles keys before napari does.

    Parameters
    ----------
    canvas : QWidget
        The canvas. Keys come from it, and from its window if no field takes them.
    resized : callable
        Called when the canvas has another size.
    key : callable
        Called with a Qt key, whether it is pressed (or released), and whether Shift is pressed;
        returns whether it handled the key. Repetitions of a held key count as presses.
    """

    def __init__(
        self,
        canvas: QWidget,
        resized: Callable[[], object],
        key: Callable[[int, bool, bool], bool],
    ) -> None:
        super().__init__()
        self._resized, self._key = resized, key
        self._watched = [canvas, canvas.window() or canvas]
        for watched in self._watched:
            watched.installEventFilter(self)

    def leave(self) -> None:
        """Stop watching."""
        for watched in self._watched:
            if is_alive(watched):
                watched.removeEventFilter(self)
        self._watched = []

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Handle keys before napari does, and notice new sizes."""
        if isinstance(event, QKeyEvent) and event.type() in _KEYS:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            pressed = event.type() == QEvent.Type.KeyPress
            if event.modifiers() & _NOT_OURS or (not pressed and event.isAutoRepeat()):
                return False
            return self._key(event.key(), pressed, shift)
        if event is not None and event.type() == QEvent.Type.Resize:
            self._resized()
        return False


_NOT_OURS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_KEYS = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
