"""Rows of a form: a label and a field, or two widgets beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QWidget

if TYPE_CHECKING:
    from collections.abc import Iterable


def add_rows(layout: QFormLayout, rows: Iterable[tuple[str, QWidget]]) -> None:
    """Add rows to a form; each label names the first field of its row for screen readers.

    Parameters
    ----------
    layout : QFormLayout
        The form.
    rows : iterable of (str, QWidget)
        Labels and fields; a field without a label spans both columns.
    """
    for label, field in rows:
        if not label:
            layout.addRow(field)
            continue
        layout.addRow(label, field)
        # the buddy of a label must be a field that takes the focus, not the row around it
        first = next(filter(takes_tab, (field, *field.findChildren(QWidget))), field)
        first.setAccessibleName(first.accessibleName() or label)
        shown = layout.labelForField(field)
        if isinstance(shown, QLabel):
            shown.setBuddy(first)


def beside(wide: QWidget, narrow: QWidget) -> QWidget:
    """Return a row of two widgets; the first one gets the remaining width."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(wide, 1)
    layout.addWidget(narrow)
    return row


def takes_tab(field: QWidget) -> bool:
    """Return whether the Tab key stops at a widget."""
    return bool(field.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
