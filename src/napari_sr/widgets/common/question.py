"""A question that the user answers with one of two buttons."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget


def question(
    title: str, text: str, more: str, yes: str, parent: QWidget | None = None
) -> QMessageBox:
    """Return a dialog with a button to agree, and Cancel.

    Parameters
    ----------
    title, text, more : str
        Title of the dialog, the question, and what the user should know; all plain text.
    yes : str
        Text of the button to agree.
    parent : QWidget, optional
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(more)
    button = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(button)
    return box


def agreed(box: QMessageBox) -> bool:
    """Ask, and return whether the user agreed."""
    box.exec()
    clicked = box.clickedButton()
    answer = clicked is not None and box.buttonRole(clicked) == QMessageBox.ButtonRole.AcceptRole
    box.deleteLater()
    return answer
