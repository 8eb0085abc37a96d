"""A button that copies or saves how a result was made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAction, QFileDialog, QMenu, QPushButton

from napari_sr.atomic_write import atomic_write
from napari_sr.runs.record import RecordError, as_toml
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.copy_record import copy_as
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.layer_list import unwrapped
from napari_sr.widgets.common.layer_source import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

_TITLES = {"python": "Python code", "command": "Command line", "toml": "TOML"}


class RecordMenu(QPushButton):
    """A button with a menu: copy how a result was made, or save it as a file.

    It is hidden until a result is offered, and when that result is removed.
    """

    told = Signal(str)
    """Emitted with a sentence for the user: what was copied or saved, or why nothing was."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._record: dict[str, Any] = {}
        self._layer: ref[Layer] | None = None
        self.setText("Copy how it was made")
        give_icon(self, "copy")
        self.setToolTip(
            "Copy how this result was made, so that you can repeat it: as Python code, as a\n"
            "command line, or as TOML for napari-sr run and napari_sr.run."
        )
        menu = QMenu(self)
        for form, title in _TITLES.items():
            _add(menu, title, partial(self._copy, form))
        menu.addSeparator()
        _add(menu, "Save as TOML file …", self._save)
        self.setMenu(menu)
        self.setVisible(False)

    def offer(self, layer: Layer | None) -> None:
        """Offer to copy the record of a result; hide the button if the layer is not a result."""
        record = None if layer is None else layer.metadata.get(METADATA_KEY)
        complete = isinstance(record, dict) and "settings" in record
        self._record = dict(record) if isinstance(record, dict) and complete else {}
        self._name = "" if layer is None else layer.name
        self._layer = None if layer is None else ref(unwrapped(layer))
        self.setVisible(complete)

    def forget_without(self, layers: Container[Layer]) -> None:
        """Hide the button if the result was removed."""
        layer = None if self._layer is None else self._layer()
        if layer is None or layer not in layers:
            self.offer(None)

    def _copy(self, form: str, checked: bool = False) -> None:
        try:
            self.told.emit(copy_as(form, self._name, self._record))
        except RecordError as error:
            self.told.emit(error_in_words(error))

    def _save(self, checked: bool = False) -> None:
        from napari_sr.runs.record_forms import out_name  # these bring all formats of files
        from napari_sr.runs.recorded import Recorded

        try:
            stem = out_name(Recorded.of(self._record)).partition(".ome.")[0]
            proposed = str(Path.home() / f"{stem}.toml")
            chosen, _ = QFileDialog.getSaveFileName(
                self, "Save how the result was made", proposed, "TOML (*.toml)"
            )
            if not chosen:
                return
            path = Path(chosen) if Path(chosen).suffix else Path(f"{chosen}.toml")
            with atomic_write(path) as file:
                file.write(as_toml(self._record).encode())
        except (RecordError, OSError) as error:
            self.told.emit(error_in_words(error))
        else:
            self.told.emit(f"Saved how {self._name} was made: {path}")


def _add(menu: QMenu, title: str, act: Callable[..., object]) -> None:
    """Add an entry to a menu."""
    action = QAction(title, menu)
    action.triggered.connect(act)
    menu.addAction(action)
