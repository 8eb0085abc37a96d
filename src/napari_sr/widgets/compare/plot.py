"""A plot of curves, such as intensities along a line, painted with Qt alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.widgets.compare.profile import Profile

HEIGHT = 170
PENS = {
    "before": (QColor("#f0a030"), 1.6, Qt.PenStyle.SolidLine),
    "after": (QColor("#3fa7ff"), 1.6, Qt.PenStyle.SolidLine),
    "reference": (QColor("#45b36b"), 1.4, Qt.PenStyle.DashLine),
    "bicubic": (QColor("#b072e0"), 1.6, Qt.PenStyle.DotLine),
    "source": (QColor("#f0a030"), 1.6, Qt.PenStyle.SolidLine),
    "result": (QColor("#3fa7ff"), 1.6, Qt.PenStyle.SolidLine),
    "1/7": (QColor("#909090"), 1.2, Qt.PenStyle.DashLine),
}
"""Colour, width and style of each curve; legible on napari's dark and light themes."""
SAMPLE, SHORT = 22, 10
"""Length of the lines in the legend, in screen pixels, and their length if many names need room."""
FAINT = 110
"""Opacity of the frame, from 0 to 255."""
LARGE = 1e6
"""The smallest number that is written with an exponent."""
ROOM = 0.05
"""Space above and below the curves, as a share of their height."""


class ProfilePlot(QWidget):
    """Curves over the distance from the start of a line, or over another axis.

    Parameters
    ----------
    parent : QWidget, optional
    across : str
        Name of the horizontal axis.
    about : str
        Title of the plot for screen readers.
    empty : str
        Text that is shown if there are no curves.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        across: str = "distance",
        about: str = "Intensities along the line",
        empty: str = "No line, or it is outside the layers",
    ) -> None:
        super().__init__(parent)
        self._across, self._empty = across, empty
        self.profile: Profile | None = None
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(about)

    def show_profile(self, profile: Profile | None) -> None:
        """Show the curves of another profile, or none."""
        self.profile = profile
        self.setAccessibleDescription(self.words())
        self.update()

    def words(self) -> str:
        """Return the content of the plot as text: the range of each curve."""
        if self.profile is None:
            return "No line"
        told = []
        for name, values in self.profile.values.items():
            known = values[np.isfinite(values)]
            if known.size:
                low, high = in_words(float(known.min()), float(known.max()))
                told.append(f"{name} from {low} to {high}")
        length = f"{self.profile.distances[-1]:.4g} {self.profile.unit}".strip()
        return f"{length} long; {', '.join(told) or 'outside the layers'}"

    def span(self) -> tuple[float, float] | None:
        """Return the lowest and highest value, or None if there is none."""
        if self.profile is None:
            return None
        values = np.concatenate(list(self.profile.values.values()))
        known = values[np.isfinite(values)]
        if not known.size:
            return None
        low, high = float(known.min()), float(known.max())
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw legend, frame, numbers and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(self.foregroundRole())
        line = self.fontMetrics().height()
        span = self.span()
        numbers = in_words(*span) if span is not None else ("", "")
        margin = max(self.fontMetrics().horizontalAdvance(number) for number in numbers) + 6
        frame = QRectF(
            margin + 0.5, line + 6.5, self.width() - margin - 1, self.height() - 2 * line - 12
        )
        painter.setPen(QPen(QColor(text.red(), text.green(), text.blue(), FAINT), 1))
        painter.drawRect(frame)
        painter.setPen(text)
        if self.profile is None or span is None:
            painter.drawText(frame, int(Qt.AlignmentFlag.AlignCenter), self._empty)
            return
        self._write(painter, frame, numbers)
        painter.setClipRect(frame)
        for name, values in self.profile.values.items():
            self._draw(painter, frame, name, self._heights(values, span, frame))

    def _write(self, painter: QPainter, frame: QRectF, numbers: tuple[str, str]) -> None:
        """Write the legend, and the numbers at the ends of both axes."""
        if self.profile is None:
            return
        line, text = self.fontMetrics().height(), painter.pen()
        beside = QRectF(0, frame.top(), frame.left() - 5, frame.height())
        for number, place in zip(numbers, ("Bottom", "Top"), strict=True):
            flags = Qt.AlignmentFlag.AlignRight | getattr(Qt.AlignmentFlag, f"Align{place}")
            painter.drawText(beside, int(flags), number)
        below = QRectF(frame.left(), frame.bottom() + 2, frame.width(), line)
        end = f"{self.profile.distances[-1]:.4g} {self.profile.unit}".strip()
        for word, place in (("0", "Left"), (self._across, "HCenter"), (end, "Right")):
            painter.drawText(below, int(getattr(Qt.AlignmentFlag, f"Align{place}")), word)
        names = list(self.profile.values)
        texts = [self.fontMetrics().horizontalAdvance(name) for name in names]
        sample = SAMPLE if frame.left() + sum(texts) + 42 * len(texts) < self.width() else SHORT
        x = frame.left()
        for name, wide in zip(names, texts, strict=True):
            colour, width, style = PENS[name]
            painter.setPen(QPen(colour, width + 0.6, style))
            painter.drawLine(QPointF(x, line / 2 + 1), QPointF(x + sample, line / 2 + 1))
            painter.setPen(text)
            painter.drawText(QPointF(x + sample + 5, line - 3), name)
            x += sample + sample // 2 + 9 + wide

    def _heights(
        self, values: NDArray[np.float32], span: tuple[float, float], frame: QRectF
    ) -> NDArray[np.float64]:
        share = (values.astype(float) - span[0]) / (span[1] - span[0])
        inside: NDArray[np.float64] = frame.bottom() - frame.height() * (
            ROOM + (1 - 2 * ROOM) * share
        )
        return inside

    def _draw(
        self, painter: QPainter, frame: QRectF, name: str, heights: NDArray[np.float64]
    ) -> None:
        """Draw a curve with gaps where there are no values."""
        colour, width, style = PENS[name]
        painter.setPen(QPen(colour, width, style))
        across = np.linspace(frame.left(), frame.right(), len(heights))
        known = np.isfinite(heights)
        ends = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
        for start, stop in zip(ends[::2], ends[1::2], strict=True):
            places = zip(across[start:stop], heights[start:stop], strict=True)
            painter.drawPolyline(QPolygonF([QPointF(float(x), float(y)) for x, y in places]))


def in_words(low: float, high: float) -> tuple[str, str]:
    """Return two numbers as text, exact to 1/100 of their difference.

    Examples
    --------
    >>> in_words(111.1105, 237.9599)
    ('111', '238')
    >>> in_words(0.25, 0.5)
    ('0.250', '0.500')
    """
    span = high - low
    if max(abs(low), abs(high)) >= LARGE:
        return f"{low:.4g}", f"{high:.4g}"
    digits = max(0, 2 - math.floor(math.log10(span))) if span > 0 else 2
    return f"{low:.{digits}f}", f"{high:.{digits}f}"
