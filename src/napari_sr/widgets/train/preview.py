"""Four pictures of one held-out part of the training images, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAP = 6
LEAST_WIDTH = 170
"""Smallest width of pictures in a row of four; if they would be narrower, there are two rows."""
SHARP = (
    "A held-out part of the images: the network's input, bicubic interpolation, the\n"
    "result of the best network so far, and the truth. Luma networks show grey pictures."
)
NOISY = (
    "A held-out part of the images: the noisy image, bicubic interpolation, and the results\n"
    "of the network before training and of the best network so far."
)


class PreviewBoard(QWidget):
    """Pictures of equal shape, each with its name above; pixels are drawn as squares."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures: dict[str, QImage] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setToolTip(SHARP)

    def clear(self) -> None:
        """Remove all pictures."""
        self.show_pictures({})

    def show_pictures(self, pictures: dict[str, NDArray[np.uint8]]) -> None:
        """Show named arrays (H, W) or (H, W, 3) of equal shape; underscores become spaces."""
        named = {name.replace("_", " "): pixels for name, pixels in pictures.items()}
        self.pictures = {name: image_of(pixels) for name, pixels in named.items()}
        self._fit()
        self.update()

    def columns(self) -> int:
        """Return the number of pictures in a row."""
        wide = self.width() >= 4 * LEAST_WIDTH + 3 * GAP
        return 4 if wide else 2

    def heightForWidth(self, width: int) -> int:  # noqa: N802  # Qt's name
        """Return the height of all rows."""
        count = len(self.pictures)
        if not count:
            return 0
        rows = -(-count // self.columns())
        return int(rows * (self._line() + self._picture().height() + GAP))

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the size at the current width."""
        return QSize(2 * LEAST_WIDTH, self.heightForWidth(self.width()))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802  # Qt's name
        """Adapt the height to another width."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802  # Qt's name
        """Draw the pictures as large as the width allows."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        size, line = self._picture(), self._line()
        for index, (name, image) in enumerate(self.pictures.items()):
            row, column = divmod(index, self.columns())
            left = column * (size.width() + GAP)
            top = row * (line + size.height() + GAP)
            above = QRectF(left, top, size.width(), line)
            painter.drawText(above, int(Qt.AlignmentFlag.AlignLeft), name)
            painter.drawImage(QRectF(left, top + line, size.width(), size.height()), image)

    def _line(self) -> int:
        return self.fontMetrics().height() + 2

    def _picture(self) -> QSize:
        """Return the size of a picture on the screen."""
        image = next(iter(self.pictures.values()))
        width = (self.width() - (self.columns() - 1) * GAP) // self.columns()
        return QSize(width, max(1, round(width * image.height() / image.width())))

    def _fit(self) -> None:
        self.setFixedHeight(self.heightForWidth(self.width()))


def image_of(pixels: NDArray[np.uint8]) -> QImage:
    """Return an array (H, W) or (H, W, 3) as a picture that owns its memory."""
    rgb = pixels.ndim == 3
    kind = QImage.Format.Format_RGB888 if rgb else QImage.Format.Format_Grayscale8
    height, width = pixels.shape[:2]
    content = np.ascontiguousarray(pixels).tobytes()
    return QImage(content, width, height, width * (3 if rgb else 1), kind).copy()
