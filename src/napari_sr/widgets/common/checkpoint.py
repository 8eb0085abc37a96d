"""A list of models, and a button that opens a checkpoint file."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_sr.runs.model_file import inspect_checkpoint
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.names_box import NamesBox
from napari_sr.widgets.common.worker import call_in_thread
from napari_sr.zoo.cancelling import CancelledError, cancelled_if

if TYPE_CHECKING:
    from napari_sr.runs.model_list import ListedModel

FILE_FILTER = (
    "Checkpoints and model packages (*.pth *.pt *.ckpt *.safetensors *.npz *.mat *.zip *.yaml);;"
    "All files (*)"
)
BROWSE, CANCEL = "Browse…", "Cancel"
SLOW = 500
"""Milliseconds after which the button for files cancels the reading of a file."""
ABOUT_CANCEL = "Stop reading the file; the chosen model stays."
ABOUT_FILES = (
    "Open a checkpoint file (.pth, .pt, .safetensors, .npz or .mat, also in a zip file), or a\n"
    "model package of bioimage.io (its zip file, or rdf.yaml in its folder). Networks are\n"
    "recognised from a file's tensors; no Python in a file is ever run."
)


class CheckpointChooser(QWidget):
    """A list of models with a button that opens a checkpoint file."""

    changed = Signal()
    """Emitted when the choice changes, or an opened file cannot be used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.models = NamesBox()
        self.browse = QPushButton(BROWSE)
        self.browse.setToolTip(ABOUT_FILES)
        self.browse.setAccessibleName("Browse for a checkpoint")
        self._readings: dict[int, Event] = {}  # by turn; set if the user cancels
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(SLOW)
        self._slow.timeout.connect(self._offer_to_cancel)
        self._opened: list[ListedModel] = []
        self._problem: str | None = None
        self._turn = 0  # grows with each opened file and each choice
        row = QHBoxLayout()
        row.addWidget(self.models)
        row.addWidget(self.browse)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.addLayout(row)
        self.browse.clicked.connect(self._ask_for_file)
        self.models.activated.connect(self._move_on)

    def problem(self) -> str | None:
        """Return the reason why the last opened file cannot be used, or None."""
        return self._problem

    def open_file(self, path: Path) -> None:
        """Recognise the network of a checkpoint in a thread, and choose it.

        To try a model package takes up to minutes. If the user has chosen a model or opened another
        file by then, the choice is kept: the file is only listed, or its error told. After a
        moment, the button for files becomes a button that cancels.
        """
        self._move_on()
        cancelled = self._readings[self._turn] = Event()
        self._slow.start()
        call_in_thread(_inspected, self._turn, path, cancelled, returned=self._answer)

    def cancel_files(self) -> None:
        """Stop reading files; nothing is said about them."""
        for cancelled in self._readings.values():
            cancelled.set()
        self._readings.clear()
        self._offer_to_browse()

    def _offer_to_cancel(self) -> None:
        if self._readings:
            self._name, self._tip = self.browse.accessibleName(), self.browse.toolTip()
            self.browse.setText(CANCEL)
            self.browse.setToolTip(ABOUT_CANCEL)
            self.browse.setAccessibleName("Cancel the reading of the file")

    def _offer_to_browse(self) -> None:
        self._slow.stop()
        if self.browse.text() == CANCEL:
            self.browse.setText(BROWSE)
            self.browse.setToolTip(self._tip)
            self.browse.setAccessibleName(self._name)

    def _ask_for_file(self) -> None:
        if self.browse.text() == CANCEL:
            self.cancel_files()
            return
        path = ask_for_checkpoint(self)
        if path is not None:
            self.open_file(path)

    def _move_on(self) -> None:
        self._turn += 1

    def _answer(self, answer: tuple[int, ListedModel | str]) -> None:
        turn, found = answer
        if self._readings.pop(turn, None) is None:
            return  # cancelled
        if not self._readings:
            self._offer_to_browse()
        if turn == self._turn:
            self._take_file(found)
        elif isinstance(found, str):
            show_info(found)
        else:
            self._list_file(found)

    def _list_file(self, found: ListedModel) -> None:
        """List an opened file without choosing it."""
        self._opened.append(found)

    def _take_file(self, found: ListedModel | str) -> None:
        """Choose an opened file, or show why it cannot be used."""
        raise NotImplementedError(f"{type(self).__name__} must choose {found}")

    def _listed(self) -> list[ListedModel]:
        """Return the models in the list, without the headings."""
        listed = (self.models.itemData(index) for index in range(self.models.count()))
        return [model for model in listed if model is not None]


def ask_for_checkpoint(parent: QWidget) -> Path | None:
    """Let the user choose a file; return None if the dialog was cancelled."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open a checkpoint", filter=FILE_FILTER)
    return Path(name) if name else None


def _inspected(turn: int, path: Path, cancelled: Event) -> tuple[int, ListedModel | str]:
    try:
        with cancelled_if(cancelled.is_set):
            return turn, inspected(path)
    except CancelledError:
        return turn, ""


def inspected(path: Path) -> ListedModel | str:
    """Return the model of a file, or why it cannot be used; too slow for the GUI thread."""
    try:
        return inspect_checkpoint(path)
    except (ValueError, OSError) as error:
        return f"Cannot use {path.name}: {error_in_words(error)}"
