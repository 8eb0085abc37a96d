"""The form *Upscale a folder*: images of a folder, one after the other, in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QPlainTextEdit

from napari_sr.batch.folder_arguments import (
    FILE,
    PERCENTILES,
    RANGE,
    count_images,
    patterns_in,
    range_of,
    reference_of,
)
from napari_sr.batch.job import FileJob
from napari_sr.batch.upscale_folder import FolderStep, folder_steps, upscale_folder
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.patterns import read_patterns
from napari_sr.runs.model_list import known_models
from napari_sr.runs.words import TIMES, error_in_words
from napari_sr.widgets.common.function_form import FunctionFields, FunctionForm
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.latest import Latest
from napari_sr.widgets.common.memory import remembered
from napari_sr.widgets.common.preferences import preference
from napari_sr.widgets.common.remembered_gui import RememberedGui

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

    from napari_sr.batch.job import FolderReport
    from napari_sr.runs.job import Step

FORMATS = [
    ("as each image", ""), ("OME-TIFF", ".ome.tif"), ("TIFF", ".tif"), ("OME-Zarr", ".ome.zarr"),
    ("PNG", ".png"),
]  # fmt: skip
BORDERS = [("automatic", "auto"), ("reflect", "reflect"), ("zeros, as in papers", "zeros")]
DEVICES = ("auto", "cpu", "cuda", "mps")
LARGEST = 1e12
"""Largest value of white that can be typed."""
DETAILS_LINES = 7
"""Visible lines of the report."""


def _options() -> dict[str, dict[str, Any]]:
    """Return the labels, choices and limits of the fields."""
    number = {"min": -LARGEST, "max": LARGEST, "step": 1.0}
    device = preference("upscaling", "device", "auto")
    return {
        "source": {"label": "Folder", "mode": "d", "nullable": True},
        "target": {"label": "Results", "mode": "d", "nullable": True},
        "pattern": {"label": "Files"},
        "model": {"label": "Model", "choices": _models},
        "scale": {"label": "Scale", "choices": _scales((1, 2, 3, 4, 8))},
        "to": {"label": "Format", "choices": FORMATS},
        "values": {"label": "Values", "choices": [FILE, PERCENTILES, RANGE]},
        "black": {"label": "Black", **number},
        "white": {"label": "White", **number},
        "consistent": {"label": "Consistent with the source"},
        "ensemble": {"label": "Mean of eight views"},
        "border": {"label": "Border", "choices": BORDERS},
        "device": {"label": "Device", "choices": list(dict.fromkeys((*DEVICES, device)))},
        "overwrite": {"label": "Recompute results that differ"},
    }


def _models(widget: object) -> list[tuple[str, str]]:
    return [(model.line, model.name) for model in known_models()]


def _scales(scales: Iterable[int]) -> list[tuple[str, int]]:
    return [(f"{scale} {TIMES}", scale) for scale in scales]


def _job_of(given: Mapping[str, Any]) -> FileJob:
    """Return the job that the fields describe."""
    model = reference_of(given["model"], given["scale"], consistent=given["consistent"])
    settings = Settings(
        device=given["device"],
        value_range=range_of(given["values"], given["black"], given["white"]),
        ensemble=given["ensemble"],
        border=given["border"],
    )
    overwrite = given["overwrite"]
    return FileJob(given["source"], given["target"], model, settings, overwrite=overwrite)


class FolderWidget(FunctionForm):
    """Upscale the images of a folder.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form does not use its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(upscale_folder, _options(), forgotten=("overwrite",))
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
        self.gui.scale.choices = _scales(scales)

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
        if source is None or not Path(source).expanduser().is_dir():
            found["source"] = "Choose the folder of the images."
        if target is None:
            found["target"] = "Choose a folder for the results; it may be new."
        patterns = patterns_in(values["pattern"])
        if not patterns:
            found["pattern"] = "Say which files to upscale, such as *.tif."
        try:
            read_patterns(patterns)
        except ValueError as error:
            found["pattern"] = str(error)
        try:
            range_of(values["values"], values["black"], values["white"])
        except ValueError as error:
            found["white"] = str(error)
        return found

    def _count(self) -> None:
        values = self.gui.asdict()
        if any(name in self._problems(values) for name in ("source", "target", "pattern")):
            self._counted.forget()
            self.count.say("")
            return
        paths = (Path(values[name]).expanduser() for name in ("source", "target"))
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
            given[name] = Path(values[name]).expanduser()
        if not self._may_download(reference_of(values["model"], values["scale"])):
            return None
        self._report, self._notes, self._file = None, {}, ""
        self.details.hide()
        return folder_steps, (_job_of(given), given["pattern"], given["to"])

    def _show_progress(self, step: Step) -> None:
        if isinstance(step, FolderStep):
            self._report, self._file = step.report, step.file
            self._note(step.note)
        super()._show_progress(step)

    def _show_warning(self, details: tuple[Any, ...]) -> None:
        """Keep a warning for the report, because each file may cause some."""
        message, category = details[:2]
        if category.__module__.startswith("napari_sr."):
            self._note(str(message))

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
        self.details.setPlainText("\n".join((*failed, *self._notes)))
        self.details.setVisible(bool(failed or self._notes))

    def _stop_listening(self) -> None:
        self._counted.forget()
