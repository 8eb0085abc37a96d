"""A form that scrolls where its dock is lower than its fields are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QScrollBar, QWidget

from napari_sr.widgets.common.wheel import guard_from_wheel

if TYPE_CHECKING:
    from qtpy.QtWidgets import QLayout

LEAST_WIDTH, LEAST_HEIGHT = 390, 260
"""Screen pixels below which no dock shrinks a form: two of them fit a screen of 1366 x 768."""


class ScrolledForm(QScrollArea):
    """Holds fields, as wide as none is cut, and scrolls up and down only.

    Its fields are equally wide with the scroll bar and without: a text that wraps would otherwise
    bring the bar, which narrows it, which makes it higher.
    """

    def hold(self, layout: QLayout, inside: QWidget) -> None:
        """Show a widget with its layout, once all its fields are made."""
        bar = self.verticalScrollBar() or QScrollBar()
        self._bar = bar.sizeHint().width()
        self._room = max(layout.contentsMargins().right(), self._bar)
        self._inner_layout = layout
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab would stop where nothing shows it
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        guard_from_wheel(inside)
        bar.rangeChanged.connect(self._make_room)
        self._make_room(0, 0)

    def _make_room(self, low: int, high: int) -> None:
        """Let the bar, where it is, stand in the margin."""
        margins = self._inner_layout.contentsMargins()
        margins.setRight(self._room - (self._bar if high > low else 0))
        self._inner_layout.setContentsMargins(margins)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the least size: docks beside each other share what height there is."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the width at which no field is cut, and little height."""
        inside = self.widget()
        if inside is None:
            return super().minimumSizeHint()
        right = self._inner_layout.contentsMargins().right()
        width = inside.minimumSizeHint().width() - right + self._room
        return QSize(max(width, LEAST_WIDTH), LEAST_HEIGHT)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask for another size where the fields inside do."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        handled: bool = super().eventFilter(watched, event)
        return handled
