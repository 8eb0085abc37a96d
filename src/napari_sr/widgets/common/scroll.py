"""A form that scrolls if its dock is not high enough for its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QEvent, QObject, QPoint, QSize, Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QFrame,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QWidget,
)

from napari_sr.widgets.common.number_boxes import take_numbers
from napari_sr.widgets.common.wheel import guard_from_wheel

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent
    from qtpy.QtWidgets import QLayout

LEAST_WIDTH, LEAST_HEIGHT = 390, 260
"""Smallest size of a form in screen pixels; two forms fit on a screen of 1366 x 768."""
AROUND = 6
"""Screen pixels that stay visible above and below a widget to which a form scrolls."""


class ScrolledForm(QScrollArea):
    """Fields that scroll vertically only, and are never cut at the side.

    Fields have the same width with and without the scroll bar. Otherwise, a bar that appears would
    narrow wrapped text, the text would become taller, and the bar could not disappear again.
    """

    _inside: QWidget | None = None
    _revealed: tuple[QWidget, ...] = ()

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
        take_numbers(inside)
        bar.rangeChanged.connect(self._make_room)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._scroll)

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
        # sending the layout requests at once cut labels at 14 pt; see tests/widgets/test_looks.py
        self.fill()
        super().showEvent(event)

    def reveal(self, *shown: QWidget) -> None:
        """Scroll as little as possible to widgets, once Qt has given them their places.

        If they are higher than the form, their upper part is shown. The form does not scroll if
        the user is typing in a field that would no longer be visible.

        Parameters
        ----------
        *shown : QWidget
            The widgets; hidden ones do not count.
        """
        self._revealed = shown
        self._later.start(0)

    def is_in_view(self, one: QWidget) -> bool:
        """Return whether the top of a widget is in the visible part of the form."""
        bar, view = self.verticalScrollBar(), self.viewport()
        if bar is None or view is None:
            return True
        top = self._span(one)[0] - bar.value()
        return 0 <= top <= view.height() - one.fontMetrics().height()

    def _scroll(self) -> None:
        # Qt would otherwise lay out some widgets only later
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        spans = [self._span(one) for one in self._revealed if one.isVisible()]
        bar, view = self.verticalScrollBar(), self.viewport()
        if not spans or bar is None or view is None:
            return
        top, bottom = min(span[0] for span in spans), max(span[1] for span in spans)
        place = max(bar.value(), bottom + AROUND - view.height())
        place = min(place, top - AROUND)
        typed = self.focusWidget()
        if isinstance(typed, QLineEdit | QAbstractSpinBox) and typed.hasFocus():
            first, last = self._span(typed)
            before, after = (
                at <= first and last <= at + view.height() for at in (bar.value(), place)
            )
            if before and not after:
                return
        bar.setValue(place)

    def _span(self, one: QWidget) -> tuple[int, int]:
        """Return where a widget begins and ends in the form, in screen pixels from the top."""
        inside = self.widget()
        top = 0 if inside is None else one.mapTo(inside, QPoint(0, 0)).y()
        return top, top + one.height()

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
