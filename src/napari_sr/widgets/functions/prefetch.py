"""The form *Download for offline use*: models for this machine, or copies for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.digits import counted
from napari_sr.runs.prefetch import Prefetched, downloadable, prefetch, prefetch_steps
from napari_sr.runs.words import size_in_words
from napari_sr.widgets.common.dock import RunningForm
from napari_sr.widgets.common.function_form import FunctionFields, FunctionForm
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.open_form import docked
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.zoo import download, registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.components import ViewerModel
    from qtpy.QtGui import QShowEvent

UNSTATED = "none stated"
"""The licence of models whose authors state none."""
LINES = 12
"""Smallest number of visible models."""


def _choices(widget: object) -> list[tuple[str, str]]:
    """Return a line for each model: title, size, licence, and whether it is downloaded."""
    return [
        (
            f"{entry.title}: {size_in_words(entry.size)}, "
            f"{'no licence' if entry.licence == UNSTATED else entry.licence}"
            f"{', downloaded' if download.local_path(entry) is not None else ''}",
            entry.name,
        )
        for entry in downloadable()
    ]


OPTIONS = {
    "models": {
        "label": "Models",
        "widget_type": "Select",
        "choices": _choices,
        "tooltip": "The models to download: Ctrl selects several, Shift a range, Ctrl+A all.\n"
        "Included models need no download, and are not listed.",
    },
    "folder": {
        "label": "Copy to",
        "mode": "d",
        "nullable": True,
        "tooltip": "Leave this empty to use the models on this machine only. A folder gets copies\n"
        "for another machine: on that machine, set NAPARI_SR_WEIGHTS to the folder.",
    },
}
"""Labels, choices and tooltips of the fields."""


class PrefetchWidget(FunctionForm):
    """Download models, to use them later without a connection.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; open forms in its window list the downloaded models.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(prefetch, OPTIONS, forgotten=("models",))
        self.sizes = WrappedLabel(lines=2)
        fields = FunctionFields(gui, "Download", above=[self.sizes], icon="download")
        fields.run.setToolTip(
            "Download the selected models. Checksums are verified; nothing is sent."
        )
        fields.stop.setToolTip("Stop. Models that are already downloaded stay.")
        box = gui.models.native
        box.setMinimumHeight(LINES * box.fontMetrics().height())
        super().__init__(napari_viewer, fields, "Download for offline use")
        gui.changed.connect(self._show_sizes)
        self._show_sizes()
        self._refresh()

    def follow_models(self) -> None:
        """Show which models are downloaded now; the selection stays."""
        chosen = self.gui.models.value
        with self.gui.changed.blocked():  # this is not a change by the user
            self.gui.models.choices = ()
            self.gui.models.choices = _choices
            self.gui.models.value = chosen

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Show which models are downloaded, because this may have changed."""
        super().showEvent(event)
        self.follow_models()

    def _show_sizes(self) -> None:
        entries = [registry.find(name) for name in self.gui.models.value]
        missing = [entry for entry in entries if download.local_path(entry) is None]
        size = size_in_words(sum(entry.size for entry in missing))
        count = f"{len(missing)} of {len(entries)} selected"
        kept = f"kept in {download.cache_folder()}"
        self.sizes.say(f"To download: {count}, {size}; {kept}" if entries else "")

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        return {} if values["models"] else {"models": "Select one or several models."}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return prefetch_steps, (list(values["models"]), values["folder"])

    def _show_result(self, result: Prefetched) -> None:
        count = len(result.files)
        told = [f"{counted(count, 'model')} can be used without a connection."]
        folder: Path | None = self.gui.folder.value
        if folder is not None and result.files:
            told = [f"{counted(count, 'file')} in {folder}. On the other machine, "
                    "set NAPARI_SR_WEIGHTS to that folder."]  # fmt: skip
        told += [f"{name}: {why}" for name, why in result.failures.items()]
        self.form.status.say("\n".join(told))

    def _show_cancelled(self) -> None:
        self.form.status.say("Cancelled. Models that are already downloaded stay.")

    def _clean_up(self) -> None:
        if self._closed:
            return
        for form in docked(self._viewer, RunningForm):
            if form is not self:
                form.follow_models()
        self.follow_models()
        self._show_sizes()
