"""The form *Models*: find, download, time, import and remove models, or choose one to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog

from napari_sr.engine.image.digits import counted
from napari_sr.runs import model_details, model_table
from napari_sr.runs.model_tasks import (
    ImportResult,
    download_models,
    import_files,
    measure_models,
    remove_files,
)
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.checkpoint import FILE_FILTER
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.download import may_download_all
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.common.open_form import docked, open_form
from napari_sr.widgets.common.worker import call_in_thread
from napari_sr.widgets.models.fields import ModelsFields
from napari_sr.widgets.models.removal import may_remove
from napari_sr.zoo import trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from napari_sr.runs.model_table import ModelRow


class ModelsWidget(RunningForm):
    """A table of all models.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer. *Use* chooses a model in the upscaling form of its window.
    """

    listed = Signal()
    """Emitted when the table shows a new list of models."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self.form = ModelsFields()
        super().__init__(napari_viewer, self.form)
        self._rows: list[ModelRow] = []
        self._wanted: set[str] = set()
        self._measured = False
        self._lister = Latest(self, pause=0, engine=False)
        self._lister.answered.connect(self._take_rows)
        self.setAcceptDrops(True)
        self._connect()
        self.relist()

    def _connect(self) -> None:
        form = self.form
        form.search.textChanged.connect(self._filter)
        form.installed.toggled.connect(self._filter)
        form.scale.activated.connect(self._show_rows)
        form.table.changed.connect(self._refresh)
        form.table.chosen.connect(self._use)
        for button, slot in (
            (form.use, self._use), (form.run, self._download), (form.measure, self._measure),
            (form.stop, self._cancel), (form.add, self._ask_for_files),
            (form.folder, self._open_folder), (form.remove, self._remove),
        ):  # fmt: skip
            button.clicked.connect(slot)

    def relist(self) -> None:
        """List the models again, in a thread, and show them; filters stay."""
        if not self._rows:
            self.form.say_reading(True)
            self._refresh()
        self._lister.ask(model_table.rows)

    def follow_models(self) -> None:
        """List the models again, because another form has downloaded some."""
        self.relist()

    def _take_rows(self, answer: list[ModelRow] | Exception) -> None:
        if isinstance(answer, Exception):
            self.form.status.say(error_in_words(answer))
            return
        self.form.say_reading(False)
        self._rows = answer
        self.form.offer_scales({one.scale for row in self._rows for one in row.scales})
        self._show_rows()
        if self._wanted:
            self.form.table.select(self._wanted)
            self._wanted = set()
        self.form.table.fit("s per MP")
        if self._measured:
            self._measured = False
            self.form.table.show_column("s per MP")
        self.listed.emit()

    def _show_rows(self) -> None:
        scale = self.form.scale.currentData()
        shown = self._rows if scale is None else [row.at(scale) for row in self._rows]
        self.form.table.show_rows([row for row in shown if row is not None])
        self._refresh()

    def _filter(self) -> None:
        self.form.table.shown.search(self.form.search.text(), self.form.installed.isChecked())
        self._refresh()

    def _refresh(self) -> None:
        """Show the selected row's details, and enable the buttons that apply to the selection."""
        form, rows, idle = self.form, self.form.table.selected(), self._worker is None
        about = "\n\n\n".join(map(model_details.details, rows[:1]))
        if len(rows) > 1:
            about = f"{len(rows)} models are selected; this is the first of them.\n\n{about}"
        if form.details.toPlainText() != about:
            form.details.setPlainText(about)
        if idle and self._rows:
            form.say_none_found(not form.table.shown.rowCount())
        form.use.setEnabled(len(rows) == 1)
        form.run.setEnabled(idle and any(row.missing for row in rows))
        here = (one.path is not None for row in rows for one in row.scales)
        form.measure.setEnabled(idle and any(here))
        form.remove.setEnabled(idle and any(row.removable for row in rows))

    # the buttons

    def _use(self) -> None:
        """Choose the selected model in the upscaling form; open the form if there is none."""
        rows = self.form.table.selected()
        if len(rows) != 1:
            return
        from napari_sr.widgets.upscale.form import UpscaleWidget  # large; the table opens without

        opened = docked(self._viewer, UpscaleWidget)
        upscaling = opened[0] if opened else open_form(self._viewer, "Upscale layer")
        scale = self.form.scale.currentData()
        upscaling.form.model.choose(rows[0].model.name, scale)
        self.form.status.say(f"{rows[0].model.title} is chosen in the upscaling form.")

    def _download(self) -> None:
        rows = self.form.table.selected()
        files = {entry.file: entry for row in rows for entry in row.missing}
        entries = list(files.values())
        # while the dialog is open, Qt handles events, so the dock may be closed
        if not entries or not may_download_all(entries, self) or self._closed:
            return
        self._begin("Starting the download …")
        self._launch(download_models, entries, name="Download")

    def _measure(self) -> None:
        rows = self.form.table.selected()
        self._begin("Starting …")
        self._measured = True
        self._launch(measure_models, rows, name="Measure speed")

    def _begin(self, doing: str) -> None:
        self.form.show_running(True)
        for button in (self.form.measure, self.form.remove):
            button.setEnabled(False)
        self.form.status.say(doing)

    def _show_result(self, result: Any) -> None:
        self.form.status.say(f"{result}.")

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled. Finished downloads and measurements are kept.")

    def _clean_up(self) -> None:
        if not self._closed:
            self._tell_change()

    def _stop_listening(self) -> None:
        self._lister.forget()

    def _tell_change(self) -> None:
        """List the models again, in this table and in other open forms."""
        self.relist()
        for form in docked(self._viewer, RunningForm):
            if form is not self:
                form.follow_models()

    def _ask_for_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Import checkpoints", filter=FILE_FILTER)
        if names:
            self.import_files([Path(name) for name in names])

    def import_files(self, paths: Sequence[Path]) -> None:
        """Recognise checkpoint files in a thread, and copy them to the user's own networks."""
        what = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self.form.status.say(f"Reading {what} …")
        call_in_thread(import_files, paths, returned=self._take_imports)

    def _take_imports(self, result: ImportResult) -> None:
        if self._closed:
            return
        self.form.search.clear()
        self._wanted = {str(path) for path in result.paths}
        self._tell_change()
        names = ", ".join(path.stem for path in result.paths)
        done = [f"Imported {names}."] if names else []
        self.form.status.say("\n".join((*done, *result.problems)))

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802  # Qt's name
        """Accept files."""
        if event is not None and _files_of(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802  # Qt's name
        """Import the dropped files."""
        if event is not None and (files := _files_of(event)):
            event.acceptProposedAction()
            self.import_files(files)

    def _open_folder(self) -> None:
        files = [one.path for row in self.form.table.selected() for one in row.scales if one.path]
        folder = files[0].parent if files else trained.folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.form.status.say(error_in_words(error))
            return
        opened = QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        self.form.status.say(f"{'Opened' if opened else 'Open this folder yourself:'} {folder}")

    def _remove(self) -> None:
        rows = self.form.table.selected()
        files = [path for row in rows for path in row.removable]
        if not files or not may_remove(files, self) or self._closed:
            return
        try:
            count = remove_files(rows)
            self.form.status.say(f"Removed {counted(count, 'file')}.")
        except OSError as error:
            self.form.status.say(error_in_words(error))
        self._tell_change()


def _files_of(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    urls = [] if data is None else data.urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
