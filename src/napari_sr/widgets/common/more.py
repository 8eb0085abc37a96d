"""A line that shows and hides further fields, and names those that differ from the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QFormLayout


class More(QWidget):
    """The line above the further fields of a form; the fields are hidden at first."""

    toggled = Signal(bool)
    """Emitted when the user shows or hides the fields."""
    reset = Signal()
    """Emitted when the user asks for the defaults of all fields."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setText("More")
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.setToolTip("Show or hide all other settings.")
        self.differences = WrappedLabel(lines=1, cut=True)
        self.defaults = QToolButton()
        self.defaults.setText("Reset")
        self.defaults.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.defaults.setToolTip("Set all settings under More to their defaults.")
        self.defaults.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        give_icon(self.defaults, "reset")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.button)
        row.addWidget(self.differences, 1)
        row.addWidget(self.defaults)
        self._layout: QFormLayout | None = None
        self._fields: list[QWidget] = []
        self._point()
        self.say([])
        self.button.toggled.connect(self._show)
        self.button.clicked.connect(self.toggled)
        self.defaults.clicked.connect(self.reset)

    def hold(self, layout: QFormLayout, fields: Iterable[QWidget]) -> None:
        """Put some rows of a form under More, and hide them."""
        self._layout, self._fields = layout, list(fields)
        self._show(self.button.isChecked())

    def open(self, shown: bool = True) -> None:
        """Show or hide the fields."""
        self.button.setChecked(shown)

    def holds(self, field: QWidget) -> bool:
        """Return whether a field is one of the rows under More, or inside one of them."""
        return any(row is field or row.isAncestorOf(field) for row in self._fields)

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown."""
        return self.button.isChecked()

    def say(self, differences: Iterable[str]) -> None:
        """Say which settings differ from their defaults."""
        text = ", ".join(differences)
        self.differences.say(text)
        self.defaults.setVisible(bool(text))

    def _show(self, shown: bool) -> None:
        self._point()
        if self._layout is not None:
            for field in self._fields:
                self._layout.setRowVisible(field, shown)

    def _point(self) -> None:
        arrow = Qt.ArrowType.DownArrow if self.button.isChecked() else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
        self.button.setAccessibleName("Hide more settings" if self.is_open else "More settings")
