"""A form that scrolls if its dock is not high enough for its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QScrollBar, QWidget

from napari_sr.widgets.common.decimal_comma import take_commas
from napari_sr.widgets.common.wheel import guard_from_wheel

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QLayout

LEAST_WIDTH, LEAST_HEIGHT = 390, 260
"""Smallest size of a form in screen pixels; two forms fit on a screen of 1366 x 768."""


class ScrolledForm(QScrollArea):
    """Fields that scroll vertically only, and are never cut at the side.

    Fields have the same width with and without the scroll bar. Otherwise, a bar that appears would
    narrow wrapped text, the text would become taller, and the bar could not disappear again.
    """

    _inside: QWidget | None = None

    def hold(self, layout: QLayout, inside: QWidget) -> None:
        """Take a widget with its layout, for `fill`; call this when all its fields exist."""
        bar = self.verticalScrollBar() or QScrollBar()
        self._bar = bar.sizeHint().width()
        self._room = max(layout.contentsMargins().right(), self._bar)
        self._inner_layout = layout
        self._inside = inside
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(
            Qt.FocusPolicy.NoFocus
        )  # otherwise Tab would stop at an invisible widget
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        guard_from_wheel(inside)
        take_commas(inside)
        bar.rangeChanged.connect(self._make_room)

    def fill(self) -> None:
        """Show the fields, if this was not done yet; at the latest when the form is shown.

        Qt styles all fields whenever a form with fields gets a style sheet or another parent.
        """
        if self._inside is not None:
            inside, self._inside = self._inside, None
            self.setWidget(inside)
            self._make_room(0, 0)  # the margins of a window would be larger

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Show the fields, too."""
        self.fill()
        super().showEvent(event)

    def _make_room(self, low: int, high: int) -> None:
        """Narrow the right margin by the width of the scroll bar when the bar appears."""
        margins = self._inner_layout.contentsMargins()
        margins.setRight(self._room - (self._bar if high > low else 0))
        self._inner_layout.setContentsMargins(margins)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the minimum size, because docks above each other share the height."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the width at which no field is cut, and a small height."""
        inside = self.widget()
        if inside is None:
            return QSize(LEAST_WIDTH, LEAST_HEIGHT)
        right = self._inner_layout.contentsMargins().right()
        width = inside.minimumSizeHint().width() - right + self._room
        return QSize(max(width, LEAST_WIDTH), LEAST_HEIGHT)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Update the size when the fields inside change theirs."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        handled: bool = super().eventFilter(watched, event)
        return handled
