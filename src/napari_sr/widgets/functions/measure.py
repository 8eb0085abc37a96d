"""The form *Measure layers*: intensities, PSNR and SSIM of a result and a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Table
from napari.layers import Shapes
from qtpy.QtWidgets import QApplication, QPushButton, QStyledItemDelegate

from napari_sr.engine.image.digits import counted
from napari_sr.evaluation.measure import PIXELS
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.icons import give_icon
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.widgets.compare.form import usual_pair
from napari_sr.widgets.functions.measure_layers import (
    MeasureError,
    Task,
    measure_layers,
    task_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_sr.evaluation.measurements import Measurement, Measurements

OPTIONS = {name: {"label": name.capitalize()} for name in ("result", "reference", "rectangles")}
"""Labels of the fields."""
HEADS = ("region", "measure", "result", "reference", "difference")
"""Headings of the form's table; a single region needs no "region". CSV has more columns."""


class MeasureWidget(LayersForm):
    """Measure two layers, and copy the numbers.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(measure_layers, OPTIONS)
        self.table: Any = Table(value=([], [], HEADS))  # Any: magicgui's types lack such a value
        self.table.read_only = True
        self.copy = QPushButton("Copy as CSV")
        self.copy.setToolTip("Copy all numbers with ten digits, for a spreadsheet.")
        give_icon(self.copy, "copy")
        shown = self.table.native
        shown.setItemDelegate(QStyledItemDelegate(shown))  # magicgui's would reformat the numbers
        shown.verticalHeader().hide()
        shown.resizeColumnsToContents()
        shown.setAccessibleName("Measurements")
        shown.setToolTip(
            "Sums are scaled to the reference's pixels: an exact enlargement has an equal sum.\n"
            "Colours are measured as luma. Ctrl+C copies the selected cells."
        )
        below = [shown, self.copy]
        fields = FunctionFields(gui, "Measure", below=below, icon="measure", fills=True)
        fields.run.setToolTip("Measure the plane that is shown.")
        super().__init__(napari_viewer, fields, "Measure layers", ("result", "reference"))
        self._task: Task | None = None
        self._found: Measurements | None = None
        self.copy.clicked.connect(self.copy_csv)
        self.copy.setEnabled(False)
        gui.rectangles.choices = self._shapes
        self.reset_choices()
        self._choose_usual()

    def _shapes(self, widget: object) -> list[Shapes]:
        return [one for one in self._listed.layers if isinstance(one, Shapes)]

    def _choose_usual(self) -> None:
        """Choose the newest result and its source."""
        before, after = usual_pair(self._images())
        if before is not None and after is not None:
            self.gui.result.value, self.gui.reference.value = after, before

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        result, reference = values["result"], values["reference"]
        if result is None:
            return {"result": "Open two image layers: a result, and its source or ground truth."}
        if result is reference:
            return {"reference": "Choose a layer other than the result."}
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        try:
            self._task = task_of(**values, dims=self._listed.dims)
        except MeasureError as error:
            self.form.status.say(f"{error}.")
            return None
        return self._task.steps, ()

    def _show_result(self, result: Measurements) -> None:
        self._found = result
        several = len({row.region for row in result.rows}) > 1
        # the words before a number are left out, so that all columns are visible
        regions = [row.region.removeprefix("rectangle ") for row in result.rows]
        rows = [
            ((region,) if several else ()) + _short(row)
            for region, row in zip(regions, result.rows, strict=True)
        ]
        self.table.value = rows, [], HEADS if several else HEADS[1:]
        self.table.native.resizeColumnsToContents()
        self.copy.setEnabled(bool(rows))
        self.form.status.say("\n".join(f"{note}." for note in result.notes) or "Measured.")

    def copy_csv(self) -> None:
        """Copy the numbers to the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is None or self._found is None or self._task is None:
            return
        clipboard.setText(self._found.csv(self._task.columns))
        self.form.status.say(f"Copied {counted(len(self._found.rows), 'row')}.")


def _short(row: Measurement) -> tuple[str, ...]:
    """Return a row as text: measure, result, reference, and difference with its percentage."""
    compares = row.difference is not None and row.name != PIXELS
    difference = f"{row.difference:.3g}" if compares else ""
    if compares and row.percent:
        difference += " (0 %)" if round(row.percent, 2) == 0 else f" ({row.percent:+.2f} %)"
    reference = "" if row.reference is None else f"{row.reference:.6g}"
    name = row.name.replace("standard deviation", "std. dev.")
    name = f"{name}, {row.unit}" if row.unit else name
    return name, f"{row.result:.6g}", reference, difference
