"""The form *Check a result*: where a result disagrees with its source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.evaluation.consistency import (
    Check,  # magicgui reads the function's types
    check_steps,
    known_model,
)
from napari_sr.runs.job import Step, named_errors
from napari_sr.runs.run import drive, translate
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm, RememberedGui
from napari_sr.widgets.common.layer_source import METADATA_KEY, is_result, source_of
from napari_sr.widgets.compare.figures import COLOURS, placed_on
from napari_sr.widgets.compare.form import usual_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel

    from napari_sr.runs.source import Source

OPTIONS = {name: {"label": name.capitalize()} for name in ("result", "source")}
"""Labels of the fields."""
MOST_IN_MEMORY = 256 * 2**20
"""Largest map in bytes that is computed whole. A larger one is computed where it is looked at."""
LIMIT = {"noise": 3.0}
"""Contrast limit of maps by their unit; those in values end at their 99th percentile."""


def check_layers(result: Image, source: Image) -> Check:
    """Compare a result with its source, by shrinking it again.

    Parameters
    ----------
    result : Image
        The upscaled layer.
    source : Image
        The layer that it was made from.

    Returns
    -------
    Check
        A map of differences, with the shape of the source, and figures.

    Raises
    ------
    ValueError
        If the result is not an enlargement of the whole source.
    """
    return drive(_checked(source_of(source), source_of(result), model_of(result)))


def _checked(source: Source, result: Source, model: str | None) -> Generator[Step, None, Check]:
    """Compare in a worker; a map that fits is computed here, so that napari shows it at once."""

    def words(step: tuple[int, int]) -> Step:
        return Step(*step, f"Comparing: part {step[0] + 1} of {step[1]}")

    steps = check_steps(
        source.data, result.data, model, axes=source.axes, most_in_memory=MOST_IN_MEMORY
    )
    found: Check = yield from named_errors(translate(steps, words), result.name)
    return replace(found, map=found.map.mean(axis=-1)) if source.rgb else found


def model_of(result: Image) -> str | None:
    """Return the name of the known model that made a result, or None."""
    return known_model(result.metadata.get(METADATA_KEY, {}))


class CheckWidget(LayersForm):
    """Compare a result with its source, and add a map of what differs.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The form lists its layers, and adds the map to it.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        gui = RememberedGui(check_layers, OPTIONS, forgotten=OPTIONS)
        fields = FunctionFields(gui, "Check")
        fields.run.setToolTip(
            "Shrink the result again, and show where it disagrees with its source.\n"
            "What vanishes when it is shrunk may be invented all the same."
        )
        super().__init__(napari_viewer, fields, "Check a result", ("result", "source"))
        self._pair: tuple[Image, Image] | None = None
        before, after = usual_pair(self._images())
        if before is not None and after is not None:
            gui.result.value, gui.source.value = after, before

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        result, source = values["result"], values["source"]
        if result is None:
            return {"result": "Open two image layers: a result and its source."}
        if result is source:
            return {"source": "Choose another layer than the result."}
        record = result.metadata.get(METADATA_KEY, {}) if is_result(result) else {}
        if record.get("region") is not None or record.get("plane") is not None:
            return {"result": "This result is of a part of its source: upscale the whole layer."}
        larger, smaller = source_of(result).shape, source_of(source).shape
        if len(larger) != len(smaller) or result.rgb != source.rgb:
            return {"source": "The two layers have different axes."}
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        result, source = self._pair = values["result"], values["source"]
        return _checked, (source_of(source), source_of(result), model_of(result))

    def _show_result(self, result: Check) -> None:
        if self._pair is None:
            return
        larger, source = self._pair
        from napari.utils.colormaps import Colormap

        least = 1.0 if source.dtype.kind in "iu" else 0.0  # below it, all is rounding
        limit = LIMIT.get(result.unit, max(result.p99, least)) or 1.0
        unit = "units of noise" if result.unit == "noise" else "values"
        self._viewer.add_image(
            result.map,
            name=f"{larger.name} minus {source.name}, shrunk, in {unit}",
            rgb=False,
            colormap=Colormap(COLOURS, name="error"),
            contrast_limits=(-limit, limit),
            blending="translucent_no_depth",
            **placed_on(source),
        )
        self.form.status.say(result.in_words())
