"""Icons of buttons, drawn in the colour and height of the button's text: they follow the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QByteArray, QEvent, QObject, QSize, Qt
from qtpy.QtGui import QIcon, QPainter, QPalette, QPixmap
from qtpy.QtSvg import QSvgRenderer
from qtpy.QtWidgets import QAbstractButton

if TYPE_CHECKING:
    from qtpy.QtGui import QColor

PROPERTY = "napari_sr_icon"
"""Qt property of a button that holds the name of its icon."""
RATIOS = 1, 2, 3
"""Device pixels per screen pixel for which an icon is drawn."""
_CHANGES = (
    QEvent.Type.Polish, QEvent.Type.StyleChange, QEvent.Type.PaletteChange, QEvent.Type.FontChange,
)  # fmt: skip
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 19 16" fill="none" stroke="{0}" '
    'stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round">{1}</svg>'
)
_FILLED = '<path fill="{0}" d="%s"/>'
_LINES = '<path d="%s"/>'
DRAWINGS = {
    "add": _LINES % "M8 2.5v11M2.5 8h11",
    "blink": _LINES % "M2.5 2.5h7.5v7.5h-7.5zM6 12.5v1h7.5v-7.5h-1",
    "cancel": _LINES % "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "check": _LINES % "M2.5 8.5l3.8 3.8L13.5 4.5",
    "copy": _LINES % "M5.5 5.5h8v8h-8zM10.5 3v-.5h-8v8H3",
    "difference": _LINES % "M8 2v7.5M4.2 5.8h7.6M4.2 13.2h7.6",
    "download": _LINES % "M8 2v8M4.6 6.8L8 10.2l3.4-3.4M2.5 13.5h11",
    "draw": _LINES % "M2.8 13.2l.7-3.2L10.8 2.7l2.5 2.5L6 12.5z",
    "folder": _LINES % "M1.8 13v-9.8h4.4l1.4 1.9h6.6V13z",
    "measure": _LINES % "M1.5 5h13v6.5h-13zM4.7 5v2.8M8 5v3.8M11.3 5v2.8",
    "pause": _FILLED % "M4 3h2.4v10H4zM9.6 3H12v10H9.6z",
    "preview": _LINES % "M1.2 8C3.2 4.7 5.4 3.4 8 3.4s4.8 1.3 6.8 4.6c-2 3.3-4.2 4.6-6.8 4.6"
    "S3.2 11.3 1.2 8zM10.1 8a2.1 2.1 0 1 1-4.2 0 2.1 2.1 0 0 1 4.2 0z",
    "remove": _LINES % "M2.5 4.3h11M6 4.3V2.4h4v1.9M4 4.3l.7 9.3h6.6l.7-9.3",
    "reset": _LINES % "M3 8a5 5 0 1 0 1.7-3.8L3 5.8M3 2.4v3.4h3.4",
    "run": _FILLED % "M4.3 2.8v10.4L13 8z",
    "save": _LINES % "M2.5 2.5h8.7l2.3 2.3v8.7h-11zM5 2.5v3.7h5V2.5M4.7 13.5V9.4h6.6v4.1",
    "side by side": _LINES % "M2 3h4.7v10H2zM9.3 3H14v10H9.3z",
    "slider": _FILLED % "M3 4.5h5v7H3z" + _LINES % "M8 4.5h5v7H8M8 1.5v13",
    "stop": _FILLED % "M3.8 3.8h8.4v8.4H3.8z",
    "table": _LINES % "M2 3h12v10H2zM2 6.3h12M2 9.7h12M6 3v10",
    "time": _LINES % "M13 9A5 5 0 1 1 3 9a5 5 0 0 1 10 0zM8 6.2V9h2M6.6 1.6h2.8",
    "train": _LINES % "M2.5 2v11.5H14M5 11c.8-4.5 3-6.6 8.5-7",
    "turn": _LINES % "M3 2.5V13h10.5M6.5 3.5a6 6 0 0 1 6 6M10.6 7.7l1.9 1.9 1.9-1.9",
    "upscale": _LINES % "M9.8 2.5h3.7v3.7M13.2 2.8L9 7M6.2 13.5H2.5V9.8M2.8 13.2L7 9",
}
"""SVG of each icon, in a square of 16 units; {0} stands for the colour."""
WIDTH = 19 / 16
"""Width of an icon relative to its height, with empty space between the drawing and the text."""


def give_icon(button: QAbstractButton, name: str) -> None:
    """Show an icon beside a button's text; it replaces an earlier icon.

    The icon is drawn again when the theme or the font changes.

    Parameters
    ----------
    button : QAbstractButton
        A button with a text: the icon is not read by screen readers.
    name : str
        A key of `DRAWINGS`.

    Raises
    ------
    KeyError
        If there is no such icon.
    """
    if name not in DRAWINGS:
        raise KeyError(f"there is no icon {name!r}, only {', '.join(DRAWINGS)}")
    button.setProperty(PROPERTY, name)
    painter = button.findChild(_Painter) or _Painter(button)
    if button.isVisible():
        painter.draw(button)
    else:
        painter.reserve(button)


class _Painter(QObject):
    """Draws a button's icon; the button owns it.

    An icon is drawn when its button is shown, and then at each change of its look: while a form
    opens, the look of its buttons changes five times before they are visible.

    It has no reference to the button. With one, the garbage collector could delete both while Qt
    sends the button its last events, and Python would crash.
    """

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._drawn: tuple[object, ...] | None = None
        button.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Draw the icon when the button gets another style, palette or font."""
        handled: bool = super().eventFilter(watched, event)
        if event is not None and isinstance(watched, QAbstractButton):
            shown = event.type() == QEvent.Type.Show
            if shown or (event.type() in _CHANGES and watched.isVisible()):
                self.draw(watched)
            elif event.type() in _CHANGES:
                self.reserve(watched)
        return handled

    def reserve(self, button: QAbstractButton) -> None:
        """Give the icon the height of the text, and draw nothing."""
        height = button.fontMetrics().height()
        size = QSize(round(WIDTH * height), height)
        if button.iconSize() != size:
            button.setIconSize(size)
        if button.icon().isNull():
            empty = QPixmap(1, 1)
            empty.fill(Qt.GlobalColor.transparent)
            button.setIcon(QIcon(empty))

    def draw(self, button: QAbstractButton) -> None:
        """Draw the icon, unless it already looks as required."""
        name = str(button.property(PROPERTY))
        role, groups = QPalette.ColorRole.ButtonText, QPalette.ColorGroup
        palette, height = button.palette(), button.fontMetrics().height()
        colours = palette.color(groups.Active, role), palette.color(groups.Disabled, role)
        look = (name, height, *(colour.rgba() for colour in colours))
        if look == self._drawn:
            return
        self._drawn = look
        icon, size = QIcon(), QSize(round(WIDTH * height), height)
        for mode, colour in zip((QIcon.Mode.Normal, QIcon.Mode.Disabled), colours, strict=True):
            for ratio in RATIOS:
                icon.addPixmap(drawn(name, colour, size * ratio), mode)
        button.setIconSize(size)
        button.setIcon(icon)


def drawn(name: str, colour: QColor, size: QSize) -> QPixmap:
    """Draw an icon on a transparent background.

    Parameters
    ----------
    name : str
        A key of `DRAWINGS`.
    colour : QColor
        Its colour and opacity.
    size : QSize
        Width and height in device pixels.
    """
    text = _SVG.format(colour.name(), DRAWINGS[name].format(colour.name()))
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(colour.alphaF())
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    return pixmap
