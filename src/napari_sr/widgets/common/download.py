"""Ask the user before a model is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_sr.runs.words import size_in_words
from napari_sr.zoo import download

if TYPE_CHECKING:
    from napari_sr.zoo.registry import Entry


def question(entry: Entry, parent: QWidget | None = None) -> QMessageBox:
    """Return the dialog that asks whether to download a model, with its size and licence."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Download a model")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"Download {entry.title} ({size_in_words(entry.size)})?")
    box.setInformativeText(
        f"Licence: {entry.licence}\nFrom: {entry.url}\n"
        f"Kept in: {download.cache_folder()}\n\n"
        "Its checksum is verified, and it is downloaded only once. Nothing is sent."
    )
    button = box.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(button)
    return box


def may_download(entry: Entry, parent: QWidget | None = None) -> bool:
    """Ask whether to download a model; return whether the user agreed."""
    box = question(entry, parent)
    box.exec()
    clicked = box.clickedButton()
    agreed = clicked is not None and box.buttonRole(clicked) == QMessageBox.ButtonRole.AcceptRole
    box.deleteLater()
    return agreed
