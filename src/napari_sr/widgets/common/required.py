"""Required fields, which are not wrong just because the user has not filled them yet."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLineEdit, QListWidget, QWidget

HINT = "required"
"""Text in an empty field that must be filled."""


class RequiredFields:
    """Remembers which fields of a form were filled at any time."""

    def __init__(self) -> None:
        self._filled: set[str] = set()

    def is_wrong(self, name: str, field: QWidget, has_problem: bool) -> bool:
        """Return whether to frame a field as wrong; call this after each change of the form.

        A field with a problem is not wrong if it has always been empty, or offers nothing to
        choose. It then shows that it is required.

        Parameters
        ----------
        name : str
            Name of the field.
        field : QWidget
            The field.
        has_problem : bool
            Whether its value cannot be used.
        """
        if not _is_empty(field):
            self._filled.add(name)
        is_missing = _offers_nothing(field) or name not in self._filled
        if isinstance(field, QLineEdit) and is_missing and has_problem:
            field.setPlaceholderText(HINT)
        return has_problem and not is_missing


def _offers_nothing(field: QWidget) -> bool:
    return isinstance(field, QComboBox | QListWidget) and field.count() == 0


def _is_empty(field: QWidget) -> bool:
    """Return whether a text is empty, or nothing in a list is chosen or ticked."""
    if isinstance(field, QLineEdit):
        return not field.text()
    if isinstance(field, QComboBox):
        return field.count() == 0
    if isinstance(field, QListWidget):
        rows = filter(None, map(field.item, range(field.count())))
        ticked = any(row.checkState() == Qt.CheckState.Checked for row in rows)
        return not ticked and not field.selectedItems()
    return False
