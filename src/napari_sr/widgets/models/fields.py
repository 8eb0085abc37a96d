"""The fields of the form *Models* and their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.checkpoint import ABOUT_FILES
from napari_sr.widgets.common.fields import TaskFields
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.models.table import ModelsView

if TYPE_CHECKING:
    from collections.abc import Iterable

READING = "Reading the list of models …"
NONE_FOUND = "No model matches: change the search, the scale, or 'installed'."
DETAILS_LINES = 7
"""Smallest number of visible lines of the details."""


class ModelsFields(TaskFields):
    """Search, table, buttons and details; no logic."""

    def __init__(self, parent: QWidget | None = None) -> None:
        icons = "download", "cancel"
        super().__init__("Download", "Cancel", icons=icons, status_lines=1, parent=parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the models")
        self.search.setToolTip(
            "Show only models whose row, summary or paper contains all of these words,\n"
            "for example: MIT x4 photographs."
        )
        self.scale = QComboBox()
        self.scale.addItem("any scale", None)
        self.scale.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.scale.setAccessibleName("Scale")
        self.scale.setToolTip("Show only this scale, so that figures can be compared.")
        self.installed = QCheckBox("installed")
        self.installed.setToolTip("Show only models that need no download.")
        self.table = ModelsView()
        self.table.setToolTip("Drop checkpoint files here to import them.")
        self.use = _button(
            "Use", "check", "Choose the selected model in the upscaling form. (Enter)"
        )
        self.run.setToolTip("Download the selected models. You are asked first.")
        self.stop.setToolTip("Stop the download or the measurement; finished models stay.")
        self.measure = _button(
            "Measure speed",
            "time",
            "Time the selected models that are installed, for about a second each.",
        )
        self.add = _button(
            "Import…",
            "add",
            "Copy checkpoint files into the folder of your own networks. You can also drop files\n"
            f"on this form. {ABOUT_FILES}",
        )
        self.folder = _button(
            "Open folder", "folder", "Open the folder that contains the selected model's file."
        )
        self.remove = _button(
            "Remove…",
            "remove",
            "Delete downloads and imported files of the selected models. You are asked first.\n"
            "Included models and networks trained here are never deleted.",
        )
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setPlaceholderText("Select a model to read about it.")
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName("About the selected model")
        self.details.setToolTip("Details of the selected model, as text to copy.")
        self.details.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.details.setMinimumHeight(DETAILS_LINES * self.details.fontMetrics().height())
        self._lay_out()

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.addWidget(self.search, 1)
        filters.addWidget(self.scale)
        filters.addWidget(self.installed)
        buttons = QGridLayout()
        for at, button in enumerate((self.use, self.run, self.measure)):
            buttons.addWidget(button, 0, at)
        for at, button in enumerate((self.add, self.folder, self.remove)):
            buttons.addWidget(button, 1, at)
        progress = QHBoxLayout()
        progress.addWidget(self.bar, 1)
        progress.addWidget(self.stop)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addLayout(filters)
        layout.addWidget(self.table, 3)
        layout.addLayout(buttons)
        layout.addLayout(progress)
        layout.addWidget(self.status)
        layout.addWidget(self.details, 2)
        self.hold(layout, inside)
        self.show_running(False)

    def say_reading(self, reading: bool) -> None:
        """Say that the list is being read, or stop saying so."""
        self._say(READING, reading)

    def say_none_found(self, none: bool) -> None:
        """Say that no model matches search and filters, or stop saying so."""
        self._say(NONE_FOUND, none)

    def _say(self, words: str, true: bool) -> None:
        if true or self.status.text() == words:
            self.status.say(words if true else "")

    def offer_scales(self, scales: Iterable[int]) -> None:
        """List the scales to choose from; the chosen one stays."""
        chosen = self.scale.currentData()
        self.scale.blockSignals(True)
        while self.scale.count() > 1:
            self.scale.removeItem(1)
        for scale in sorted(scales):
            self.scale.addItem(f"{TIMES}{scale}", scale)
        self.scale.setCurrentIndex(max(0, self.scale.findData(chosen)))
        self.scale.blockSignals(False)


def _button(text: str, icon: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    give_icon(button, icon)
    button.setToolTip(tip)
    return button
