"""A line that shows and hides further fields, and names those that differ from the default.

The fields join the form when they are first shown. Qt styles every widget of a window several times
while a form opens, hidden ones too, and more than half of the upscaling form's are below More.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.number_boxes import take_numbers
from napari_sr.widgets.common.rows import add_rows, takes_tab
from napari_sr.widgets.common.wheel import guard_from_wheel

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
        self._rows: list[tuple[str, QWidget]] = []
        self._shelf: list[QWidget] = []  # the only reference: without it, Qt deletes the fields
        self._point()
        self.say([])
        self.button.toggled.connect(self._show)
        self.button.clicked.connect(self.toggled)
        self.defaults.clicked.connect(self.reset)

    def hold(self, layout: QFormLayout, rows: Iterable[tuple[str, QWidget]]) -> None:
        """Take the last rows of a form; they are added to it when they are first shown.

        Until then, the fields can be read and set as any others, but have no window.

        Parameters
        ----------
        layout : QFormLayout
            The form, whose last row is this line.
        rows : iterable of (str, QWidget)
            Labels and fields.
        """
        self._layout, self._rows = layout, list(rows)
        shelf = QWidget()
        for _, field in self._rows:
            field.setParent(shelf)
        guard_from_wheel(shelf)
        take_numbers(shelf)
        self._shelf.append(shelf)
        self.destroyed.connect(self._shelf.clear)  # otherwise it would outlive the form
        self._show(self.button.isChecked())

    def open(self, shown: bool = True) -> None:
        """Show or hide the fields."""
        self.button.setChecked(shown)

    def holds(self, field: QWidget) -> bool:
        """Return whether a field is one of the rows under More, or inside one of them."""
        return any(row is field or row.isAncestorOf(field) for _, row in self._rows)

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
        if self._layout is None:
            return
        if shown:
            self._add_fields()
        if not self._shelf:
            for _, field in self._rows:
                self._layout.setRowVisible(field, shown)

    def _add_fields(self) -> None:
        """Add the fields to the form, if they are not part of it yet."""
        if not self._shelf or self._layout is None:
            return
        add_rows(self._layout, self._rows)
        before: QWidget = self.defaults
        for _, field in self._rows:  # otherwise the Tab key would come here after the buttons
            for each in filter(takes_tab, (field, *field.findChildren(QWidget))):
                if each.window() is before.window():  # the list of a box is a window of its own
                    QWidget.setTabOrder(before, each)
                    before = each
        self._shelf.clear()

    def _point(self) -> None:
        arrow = Qt.ArrowType.DownArrow if self.button.isChecked() else Qt.ArrowType.RightArrow
        self.button.setArrowType(arrow)
        self.button.setAccessibleName("Hide more settings" if self.is_open else "More settings")
