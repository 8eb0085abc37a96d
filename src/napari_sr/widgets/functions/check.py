"""The form *Check a result*: where a result disagrees with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.evaluation.consistency import Check  # noqa: TC001  # likewise
from napari_sr.runs.run import drive
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.layer_source import source_of, swapped
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.widgets.compare.check_map import Checked, add_map
from napari_sr.widgets.compare.form import usual_pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

OPTIONS = {name: {"label": name.capitalize()} for name in ("result", "source")}
"""Labels of the fields."""


def check_layers(result: Image, source: Image) -> Check:
    """Compare a result with its source, by shrinking the result to the source's size.

    Parameters
    ----------
    result : Image
        The upscaled layer. If it covers only a part of its source, its record names the part.
    source : Image
        The layer from which the result was made.

    Returns
    -------
    Check
        A map of differences, with the shape of the part, and figures.

    Raises
    ------
    ValueError
        If the result is not an enlargement of the source or of the part.
    """
    return drive(Checked.of(result, source).steps())


class CheckWidget(LayersForm):
    """Compare a result with its source, and add a map of the differences.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers, and adds the map as a layer.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(check_layers, OPTIONS, forgotten=OPTIONS)
        fields = FunctionFields(gui, "Check", icon="check")
        fields.run.setToolTip(
            "Shrink the result to the source's size, and show where the two differ.\n"
            "Detail so fine that shrinking removes it cannot be checked: it may be invented."
        )
        super().__init__(napari_viewer, fields, "Check a result", ("result", "source"))
        self._pair: tuple[Checked, Image] | None = None
        before, after = usual_pair(self._images())
        if before is not None and after is not None:
            gui.result.value, gui.source.value = after, before

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        result, source = values["result"], values["source"]
        if result is None:
            return {"result": "Open two image layers: a result and its source."}
        if result is source:
            return {"source": "Choose a layer other than the result."}
        larger, smaller = source_of(result).shape, source_of(source).shape
        if len(larger) != len(smaller) or result.rgb != source.rgb:
            return {"source": "Result and source have different axes: choose another layer."}
        try:
            part = Checked.of(result, source).spans
        except ValueError as error:
            return {"source": f"{str(error)[0].upper()}{str(error)[1:]}."}
        # the result of a part may be smaller than the whole source
        question = "" if part else swapped(result, source)
        return {"result": question} if question else {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        checked, source = Checked.of(values["result"], values["source"]), values["source"]
        self._pair = checked, source
        return checked.steps, ()

    def _show_result(self, result: Check) -> None:
        if self._pair is not None:
            add_map(self._viewer, result, *self._pair)
            self.form.status.say(result.in_words())
