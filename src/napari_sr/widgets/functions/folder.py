"""The form *Upscale a folder*: images of a folder, one after the other, in a worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QPlainTextEdit

from napari_sr.batch.folder_arguments import (
    RANGE,
    count_images,
    patterns_in,
    range_of,
)
from napari_sr.batch.upscale_folder import FolderStep, folder_steps, upscale_folder
from napari_sr.files.patterns import read_patterns
from napari_sr.runs.model_list import known_models
from napari_sr.runs.spelling import as_fields
from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.function_form import FunctionFields, FunctionForm
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.common.memory import remembered
from napari_sr.widgets.common.preferences import preference
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.widgets.common.scale_box import USUAL
from napari_sr.widgets.functions.folder_fields import (
    ANY,
    factor_field,
    job_of,
    options,
    reference,
    scales_offered,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

    from napari_sr.batch.job import FolderReport
    from napari_sr.runs.job import Step

DETAILS_LINES = 7
"""Visible lines of the report."""


class FolderWidget(FunctionForm):
    """Upscale the images of a folder.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form does not use its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(upscale_folder, options(), forgotten=("overwrite",))
        saved = remembered(gui.name).get("factor", USUAL)
        gui.insert(gui.index("scale") + 1, factor_field(saved))
        self.count, self.details = WrappedLabel(lines=1), QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName("Report")
        self.details.setToolTip("Failures and messages for each file, as text to copy.")
        self.details.setFixedHeight(DETAILS_LINES * self.details.fontMetrics().height())
        self.details.hide()
        fields = FunctionFields(gui, "Run", above=[self.count], below=[self.details])
        fields.run.setToolTip("Upscale all files that match, in the background.")
        fields.stop.setToolTip("Stop. Finished files stay, and the next run continues.")
        super().__init__(napari_viewer, fields, "Upscale a folder")
        if "device" not in remembered(gui.name):
            gui.device.value = preference("upscaling", "device", "auto")
        self._report: FolderReport | None = None
        self._notes: dict[str, str] = {}
        self._file = ""
        self._counted = Latest(self, pause=300)
        self._counted.answered.connect(self._show_count)
        gui.model.changed.connect(self._offer_scales)
        gui.scale.changed.connect(self._offer_factor)
        gui.values.changed.connect(self._offer_values)
        for name in ("source", "target", "pattern"):
            getattr(gui, name).changed.connect(self._count)
        self._offer_scales()
        self._offer_values()
        self._count()
        self._refresh()

    # the fields

    def _offer_scales(self) -> None:
        known = {model.name: model.scales for model in known_models()}
        scales = known.get(self.gui.model.value, ())
        self.gui.scale.choices = scales_offered(scales)

        self._offer_factor()

    def _offer_factor(self) -> None:
        self.gui.factor.enabled = self.gui.scale.value == ANY

    def _offer_values(self) -> None:
        for name in ("black", "white"):
            getattr(self.gui, name).enabled = self.gui.values.value == RANGE

    def follow_models(self) -> None:
        """List the models again, because some were downloaded, imported or removed."""
        with self.gui.changed.blocked():  # this is not a change by the user
            self.gui.model.reset_choices()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """List the models again, because networks may have been trained meanwhile."""
        super().showEvent(event)
        self.follow_models()

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        source, target = values["source"], values["target"]
        found: dict[str, str] = {}
        if source is None or not Path(os.path.expanduser(source)).is_dir():
            found["source"] = "Choose the folder of the images."
        if target is None:
            found["target"] = "Choose a folder for the results; it may be new."
        patterns = patterns_in(values["pattern"])
        if not patterns:
            found["pattern"] = "Say which files to upscale, such as *.tif."
        try:
            read_patterns(patterns)
        except ValueError as error:
            found["pattern"] = error_in_words(error)
        try:
            range_of(values["values"], values["black"], values["white"])
        except ValueError as error:
            found["white"] = error_in_words(error)
        return found

    def _count(self) -> None:
        values = self.gui.asdict()
        if any(name in self._problems(values) for name in ("source", "target", "pattern")):
            self._counted.forget()
            self.count.say("")
            return
        paths = (Path(os.path.expanduser(values[name])) for name in ("source", "target"))
        self._counted.ask(count_images, *paths, values["pattern"])

    def _show_count(self, answer: int | Exception) -> None:
        if self._closed:
            return
        if isinstance(answer, Exception):
            self.count.say(error_in_words(answer))
            return
        self.count.say(f"{answer} file{'s match' if answer != 1 else ' matches'}.")

    # a run

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        given = dict(values)
        for name in ("source", "target"):
            given[name] = Path(os.path.expanduser(values[name]))
        if not self._may_download(reference(values)):
            return None
        self._report, self._notes, self._file = None, {}, ""
        self.details.hide()
        return folder_steps, (job_of(given), given["pattern"], given["to"])

    def _show_progress(self, step: Step) -> None:
        if isinstance(step, FolderStep):
            self._report, self._file = step.report, step.file
            self._note(step.note)
        super()._show_progress(step)

    def _show_warning(self, details: tuple[Any, ...]) -> None:
        """Keep a warning for the report, because each file may cause some."""
        message, category = details[:2]
        if category.__module__.startswith("napari_sr."):
            self._note(as_fields(str(message)))

    def _note(self, text: str) -> None:
        if text:
            self._notes[f"{self._file}: {text}"] = ""

    def _show_result(self, result: FolderReport) -> None:
        self._report = result
        self._tell(f"{result.counts}.")
        tell = show_warning if result.failures else show_info
        tell(f"{result.counts} ({self.gui.source.value}).")

    def _show_cancelled(self) -> None:
        done = 0 if self._report is None else self._report.done
        total = "" if self._report is None else f" of {self._report.total}"
        self._tell(f"Cancelled: {done}{total} files are done; run again to continue.")

    def _tell(self, sentence: str) -> None:
        """Show a sentence, and list failures and messages below it."""
        self.form.status.say(sentence)
        failed = [] if self._report is None else self._report.failed
        self.details.setPlainText("\n".join((*map(as_fields, failed), *self._notes)))
        self.details.setVisible(bool(failed or self._notes))

    def _stop_listening(self) -> None:
        self._counted.forget()
