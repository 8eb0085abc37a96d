"""The field for the destination of the result: memory, or an OME-Zarr folder."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.history import get_save_history, update_save_history
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_sr.files.ome_zarr.packages import check_packages
from napari_sr.graph.factor import in_words
from napari_sr.runs.words import error_in_words
from napari_sr.streaming.result_folder import SUFFIX, folder_name, next_path
from napari_sr.widgets.common.label import WrappedLabel

if TYPE_CHECKING:
    from napari.layers import Image
    from qtpy.QtGui import QShowEvent

    from napari_sr.graph.factor import Factor

MEMORY, FOLDER = "layer in memory", "OME-Zarr folder"


class OutputChooser(QWidget):
    """A choice of memory or a folder. The form proposes a path, which the user can change."""

    changed = Signal()
    """Emitted when the destination of the result may have changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.kind.addItems([MEMORY, FOLDER])
        self.kind.setToolTip(
            "Where the result goes: into memory, or block by block into a folder on the disk,\n"
            "for results of any size. The layer then shows blocks as they are done; to open the\n"
            "folder again, drop it into napari. A folder is proposed if memory is too small.\n"
            "To continue an interrupted run, choose its folder again, and press Run."
        )
        self.path = QLineEdit()
        self._tell_path("")
        self.path.setAccessibleName("Folder of the result")
        self.browse = QPushButton("Browse…")
        self.browse.setToolTip("Choose where the folder will be, and its name.")
        self.browse.setAccessibleName("Browse for the folder of the result")
        self.about = WrappedLabel()
        self._by_hand = False
        self._typed = False
        self._place = Path(next(iter(get_save_history()), Path.home()))
        self._lay_out()
        self.kind.activated.connect(self._choose)
        self.path.textChanged.connect(self._tell_path)
        self.path.textEdited.connect(self._type)
        self.browse.clicked.connect(self._browse)

    def _lay_out(self) -> None:
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.path, 1)
        row.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.kind)
        layout.addWidget(self._row)
        layout.addWidget(self.about)
        self._row.setVisible(False)
        self.about.hide()

    @cached_property
    def missing(self) -> str:
        """A sentence on missing packages; "" if none is missing."""
        return _missing()  # takes 5 ms

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Disable the folder if packages for it are missing."""
        self._disable_if_missing()
        super().showEvent(event)

    def _disable_if_missing(self) -> None:
        model = self.kind.model()
        if self.missing and isinstance(model, QStandardItemModel):
            item = model.item(1)
            if item is not None:
                item.setEnabled(False)
            self.kind.setItemData(1, self.missing, Qt.ItemDataRole.ToolTipRole)

    @property
    def in_folder(self) -> bool:
        """Whether the result goes into a folder."""
        return self.kind.currentText() == FOLDER

    def folder(self) -> Path | None:
        """Return the chosen folder, or None for memory; check `problem` first."""
        return Path(os.path.expanduser(self.path.text().strip())) if self.in_folder else None

    def problem(self) -> str | None:
        """Return the reason why the path cannot be that of a folder, or None.

        This does not read the disk: see `resuming.look_at`.
        """
        folder = self.folder()
        if folder is None:
            return None
        if not self.path.text().strip() or not folder.name:
            return "Output needs the name of a new folder"
        if not folder.is_absolute():
            return f"Output needs an absolute path, got {folder}: press Browse… to choose one"
        return None

    def tell(self, sentence: str) -> None:
        """Show a sentence about the folder; "" for none."""
        self.about.say(sentence)
        self.about.setVisible(bool(sentence))

    def follow(self, layer: Image | None, scale: Factor | None, *, another: bool) -> None:
        """Propose a name for the result of a layer, unless the user typed one.

        Parameters
        ----------
        layer : Image, optional
            The layer to upscale.
        scale : int or Fraction, optional
            How many times larger the result will be.
        another : bool
            Whether the layer has just been chosen; if so, forget the user's earlier choice.
        """
        if another:
            self._by_hand = self._typed = False
            self._show_kind(MEMORY)
        if layer is not None and not self._typed:
            enlarged = f"{layer.name} x{in_words(scale)}" if scale else layer.name
            self._show_path(self._place / folder_name(enlarged))

    @property
    def is_proposed(self) -> bool:
        """Whether the user did not choose the path, so that another one may be proposed."""
        return not self._typed

    def propose_path(self, folder: Path) -> None:
        """Propose another folder, unless the user has chosen one meanwhile."""
        if not self._typed and self.folder() not in (None, folder):
            self._show_path(folder)

    def propose(self, *, fits: bool) -> bool:
        """Choose memory or a folder, unless the user did; return whether the choice changed."""
        wanted = MEMORY if fits else FOLDER
        if self._by_hand or self.missing or wanted == self.kind.currentText():
            return False
        self._show_kind(wanted)
        return True

    def use_default(self) -> None:
        """Let the size of the result decide again between memory and folder."""
        self._by_hand = self._typed = False
        self._show_kind(MEMORY)

    def renew(self) -> None:
        """Propose another new folder beside the one that was written."""
        folder = self.folder()
        if folder is not None:
            self._typed = False
            self._place = folder.parent
            self._show_path(next_path(folder))

    def _show_kind(self, kind: str) -> None:
        self.kind.setCurrentText(kind)
        self._row.setVisible(self.in_folder)

    def _show_path(self, path: Path) -> None:
        self.path.setText(str(path))  # moves the cursor to the end, so that the name is visible

    def _tell_path(self, path: str) -> None:
        self.path.setToolTip(f"The new folder, with the result and coarser copies of it:\n{path}")

    def _choose(self) -> None:
        self._by_hand = True
        self._row.setVisible(self.in_folder)
        self.changed.emit()

    def _type(self) -> None:
        self._typed = self._by_hand = True
        self.changed.emit()

    def _browse(self) -> None:
        chosen = ask_for_folder(self, self.folder() or self._place)
        if chosen is not None:
            self._place = chosen.parent
            update_save_history(str(chosen))
            self._show_path(chosen)
            self._type()


def _missing() -> str:
    """Return a sentence on missing packages; "" if none is missing."""
    try:
        check_packages("zarr", "yaozarrs")
    except ValueError as error:
        return error_in_words(error)
    return ""


def ask_for_folder(parent: QWidget, proposed: Path) -> Path | None:
    """Let the user choose the path of a new folder; return None if the dialog was cancelled."""
    title, kinds = "Folder for the result", f"OME-Zarr (*{SUFFIX})"
    name, _ = QFileDialog.getSaveFileName(parent, title, str(proposed), kinds)
    if not name:
        return None
    return Path(name) if name.endswith(".zarr") else Path(f"{name}{SUFFIX}")
