"""The form *Resolution*: the finest repeatable detail of a layer and of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Table
from qtpy.QtWidgets import QApplication, QPushButton, QStyledItemDelegate

from napari_sr.engine.image.digits import counted
from napari_sr.evaluation.resolution_figures import CAVEAT
from napari_sr.evaluation.resolution_images import Camera
from napari_sr.runs.job import named_errors
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.label import WrappedLabel
from napari_sr.widgets.common.layer_source import METADATA_KEY, swapped
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.widgets.common.rows import beside
from napari_sr.widgets.compare.figures import USUAL_ERRORS
from napari_sr.widgets.compare.form import usual_pair
from napari_sr.widgets.compare.plot import ProfilePlot
from napari_sr.widgets.functions.resolution_layers import (
    ResolutionError,
    Task,
    map_arguments,
    profile_of_curves,
    resolution_of_layers,
    task_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.evaluation.resolution_figures import Resolution
    from napari_sr.runs.job import Step

IMAGES = ("source", "result", "second", "second_result")
"""Parameters that take an image layer; all but the first are optional."""
NUMBERS = ("gain", "offset", "read_noise")
"""Parameters that describe the camera."""
OPTIONS: dict[str, dict[str, Any]] = {
    "source": {"label": "Source"},
    "result": {"label": "Result"},
    "second": {"label": "Second source"},
    "second_result": {"label": "Second result"},
    "gain": {"label": "Gain", "min": 0.0, "max": 1e6, "step": 0.1},
    "offset": {"label": "Offset", "min": -1e9, "max": 1e9, "step": 1},
    "read_noise": {"label": "Read noise", "min": 0.0, "max": 1e6, "step": 0.1},
}
"""Labels of the fields, and their ranges."""
HEADS = ("measure", "source", "result")
"""Headings of the table in the form; CSV has more."""
ABOUT_MAP = (
    "Add a layer that shows where the result, blurred to the source's resolution,\n"
    "differs from the source."
)


class ResolutionWidget(LayersForm):
    """Measure the resolution of a layer and of its result, and draw the curve.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(resolution_of_layers, OPTIONS, forgotten=IMAGES)
        gui.gain.native.setSpecialValueText("not given")  # for 0, the smallest value
        self.table: Any = Table(value=([], [], HEADS))  # Any: magicgui's types lack such a value
        self.table.read_only = True
        self.copy = QPushButton("Copy as CSV")
        self.copy.setToolTip("Copy all figures with ten digits, for a spreadsheet.")
        self.add_map = QPushButton("Add error map")
        self.add_map.setToolTip(ABOUT_MAP)
        give_icon(self.copy, "copy")
        give_icon(self.add_map, "difference")
        shown = self.table.native
        shown.setItemDelegate(QStyledItemDelegate(shown))  # magicgui's would reformat the numbers
        shown.verticalHeader().hide()
        shown.setAccessibleName("Figures of resolution")
        shown.setToolTip("Smaller periods mean finer detail. Ctrl+C copies the selected cells.")
        self.plot = ProfilePlot(
            across="frequency", about="Correlation by spatial frequency", empty="No curve"
        )
        self.plot.setToolTip("Where a curve falls below 1/7, detail is no longer repeatable.")
        self.caveat = WrappedLabel()
        self.caveat.say(CAVEAT)
        below = [shown, self.plot, beside(self.copy, self.add_map)]
        fields = FunctionFields(gui, "Measure", above=[self.caveat], below=below, icon="measure")
        fields.run.setToolTip("Measure the plane that is shown.")
        self._found: Resolution | None = None
        super().__init__(napari_viewer, fields, "Resolution", IMAGES)
        self._fit_table()
        self._task: Task | None = None
        self._result: Image | None = None
        self.copy.clicked.connect(self.copy_csv)
        self.add_map.clicked.connect(self.add_error_map)
        for button in (self.copy, self.add_map):
            button.setEnabled(False)
        before, after = usual_pair(self._images())
        if before is not None:
            gui.source.value = before
        if after is not None and METADATA_KEY in after.metadata:
            gui.result.value = after

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        if values["source"] is None:
            return {"source": "Open an image layer."}
        chosen = [values[name] for name in IMAGES if values[name] is not None]
        for name in IMAGES[1:]:
            if values[name] is not None and chosen.count(values[name]) > 1:
                return {name: "This layer is chosen twice: choose another one."}
        result = values["result"]
        record = {} if result is None else result.metadata.get(METADATA_KEY, {})
        if record.get("region") is not None or record.get("kept") is not None:
            return {"result": "This result covers a part of its source: upscale the whole layer."}
        if values["second_result"] is not None and None in (result, values["second"]):
            return {"second_result": "Also choose a result and a second source."}
        question = "" if result is None else swapped(result, values["source"])
        return {"result": question} if question else {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        camera = Camera(values["gain"] or None, values["offset"], values["read_noise"])
        layers = {name: values[name] for name in IMAGES}
        try:
            self._task = task_of(layers, camera, self._listed.dims)
        except ResolutionError as error:
            self.form.status.say(f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return None
        self._result = values["result"]
        return _measured, (self._task,)

    def _show_result(self, result: Resolution) -> None:
        self._found = result
        self.table.value = [row.shown() for row in result.rows], [], HEADS
        self._fit_table()
        self.plot.show_profile(profile_of_curves(result))
        self.copy.setEnabled(True)
        self._offer_map()
        told = (f"{note[:1].upper()}{note[1:]}." for note in result.sentences())
        self.form.status.say("\n".join(told) or "Measured.")

    def _offer_layers(self) -> None:
        super()._offer_layers()
        if self._found is not None:
            self._offer_map()

    def _offer_map(self) -> None:
        """Enable the button of the error map if there is one, and its result still exists."""
        exists = self._found is not None and self._found.errors is not None
        gone = exists and self._result not in self._listed.layers
        self.add_map.setEnabled(exists and not gone)
        self.add_map.setToolTip("The measured result was removed." if gone else ABOUT_MAP)

    def _fit_table(self) -> None:
        """Make the table as high as its rows, so that the plot below it is visible."""
        table = self.table.native
        table.resizeColumnsToContents()
        rows = sum(table.rowHeight(row) for row in range(table.rowCount()))
        bar = table.horizontalScrollBar().sizeHint().height()
        table.setFixedHeight(table.horizontalHeader().height() + rows + bar)

    def copy_csv(self) -> None:
        """Copy the figures to the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is None or self._found is None or self._task is None:
            return
        clipboard.setText(self._found.csv(self._task.columns))
        self.form.status.say(f"Copied {counted(len(self._found.rows), 'row')}.")

    def add_error_map(self) -> None:
        """Add the error map as a layer that covers the measured part of the result."""
        found, task, layer = self._found, self._task, self._result
        if found is None or found.errors is None or task is None or layer is None:
            return
        pixels = found.errors.map
        leading = (1,) * (layer.ndim - 2)
        self._viewer.add_image(
            pixels.reshape(*leading, *pixels.shape),
            name=f"{layer.name}, error by source",
            colormap="inferno",
            contrast_limits=(0.0, float(np.percentile(pixels, USUAL_ERRORS)) or 1.0),
            blending="translucent_no_depth",
            **map_arguments(layer, task.planes["result"], pixels.shape),
        )


def _measured(task: Task) -> Generator[Step, None, Resolution]:
    return (yield from named_errors(task.steps(), task.planes["source"].source.name))
