"""A curve that grows during a training run, painted with Qt alone."""

from __future__ import annotations

import math

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

HEIGHT = 104
COLOUR, DASHED = QColor("#3fa7ff"), QColor("#f0a030")
"""Colours of the curve and of the dashed lines; legible on napari's dark and light themes."""
FAINT = 110
"""Opacity of the frame, from 0 to 255."""


class Curve(QWidget):
    """Values by step, and dashed lines to compare them with.

    Parameters
    ----------
    title : str
        Name of the values that are shown.
    number : str
        Format of a value, as for `str.format`.
    logarithmic : bool
        Whether the axis is logarithmic; values must be above 0.
    """

    def __init__(
        self, title: str, number: str, *, logarithmic: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.title = title
        self.points: list[tuple[int, float]] = []
        self.lines: dict[str, float] = {}
        self._number = number
        self._logarithmic = logarithmic
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def clear(self) -> None:
        """Remove all values and lines."""
        self.points, self.lines = [], {}
        self.update()

    def add(self, step: int, value: float) -> None:
        """Add a finite value at a step later than the last."""
        self.points.append((step, value))
        self.update()

    def compare(self, name: str, value: float) -> None:
        """Draw a dashed line at a finite value."""
        self.lines[name] = value
        self.update()

    def words(self) -> str:
        """Return the text above the curve: title, last value, and values of the dashed lines."""
        told = [self.title]
        if self.points:
            told.append(self._number.format(self.points[-1][1]))
        told += [f"{name} {self._number.format(value)}" for name, value in self.lines.items()]
        return "   ".join(told)

    def span(self) -> tuple[float, float] | None:
        """Return the lowest and highest position on the axis, or None if there is no value."""
        heights = [self._height(value) for value in self._values()]
        if not heights:
            return None
        low, high = min(heights), max(heights)
        room = (high - low) * 0.08 or max(abs(high), 1) * 0.01
        return low - room, high + room

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw text, frame, lines and curve."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(self.foregroundRole())
        line = self.fontMetrics().height()
        painter.setPen(text)
        above = QRectF(0, 0, self.width(), line)
        painter.drawText(above, int(Qt.AlignmentFlag.AlignLeft), self.words())
        width = self.width() - self._margin() - 1
        frame = QRectF(0.5, line + 3.5, width, self.height() - 2 * line - 6)
        span = self.span()
        if span is not None:
            self._write_steps(painter, frame)
            self._write_span(painter, frame)
        painter.setPen(QPen(QColor(text.red(), text.green(), text.blue(), FAINT), 1))
        painter.drawRect(frame)
        if span is not None:
            self._draw(painter, frame, span)

    def _draw(self, painter: QPainter, frame: QRectF, span: tuple[float, float]) -> None:
        painter.setClipRect(frame)
        painter.setPen(QPen(DASHED, 1.4, Qt.PenStyle.DashLine))
        for value in self.lines.values():
            y = self._y(value, frame, span)
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
        painter.setPen(QPen(COLOUR, 1.8))
        at = [self._at(point, frame, span) for point in self.points]
        painter.drawPolyline(QPolygonF(at))
        if len(at) == 1:
            painter.drawEllipse(at[0], 2, 2)

    def _values(self) -> list[float]:
        """Return the values of the curve and of the dashed lines."""
        return [*(value for _, value in self.points), *self.lines.values()]

    def _margin(self) -> float:
        """Return the width of the numbers at the right side."""
        shown = (self._number.format(value) for value in self._values())
        return max((self.fontMetrics().horizontalAdvance(text) + 6 for text in shown), default=0)

    def _write_steps(self, painter: QPainter, frame: QRectF) -> None:
        below = QRectF(0, frame.bottom() + 1, frame.width(), self.fontMetrics().height())
        last = str(self.points[-1][0]) if self.points else ""
        for place, text in (("Left", "0"), ("HCenter", "steps"), ("Right", last)):
            flags = int(getattr(Qt.AlignmentFlag, f"Align{place}"))
            painter.drawText(below, flags, text)

    def _write_span(self, painter: QPainter, frame: QRectF) -> None:
        values = self._values()
        beside = QRectF(frame.right(), frame.top(), self._margin(), frame.height())
        for value, place in ((max(values), "Top"), (min(values), "Bottom")):
            flags = int(Qt.AlignmentFlag.AlignRight | getattr(Qt.AlignmentFlag, f"Align{place}"))
            painter.drawText(beside, flags, self._number.format(value))

    def _height(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self._logarithmic else value

    def _y(self, value: float, frame: QRectF, span: tuple[float, float]) -> float:
        share = (self._height(value) - span[0]) / (span[1] - span[0])
        return frame.bottom() - share * frame.height()

    def _at(self, point: tuple[int, float], frame: QRectF, span: tuple[float, float]) -> QPointF:
        share = point[0] / max(self.points[-1][0], 1)
        return QPointF(frame.left() + share * frame.width(), self._y(point[1], frame, span))
