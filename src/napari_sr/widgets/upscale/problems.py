"""What is wrong in the upscaling form, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.runs.words import error_in_words
from napari_sr.widgets.common.layer_region import RegionError
from napari_sr.widgets.common.layer_source import layer_problem
from napari_sr.widgets.common.pixel_size import side_in_unit
from napari_sr.widgets.common.scale_box import SIZE
from napari_sr.widgets.upscale.output_chooser import MEMORY
from napari_sr.widgets.upscale.stored import problem_of_layer
from napari_sr.zoo.registry import OPTICAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.widgets.upscale.fields import UpscaleFields


def problems_of(form: UpscaleFields, viewer: ViewerModel) -> dict[str, str]:
    """Return an explanation for each wrong field, by its name; the disk is not read.

    Parameters
    ----------
    form : UpscaleFields
        The fields.
    viewer : ViewerModel
        The viewer, whose visible part may be the region.
    """
    layers = form.layers.layers()
    found = {
        "layer": None if layers else "Open an image: there is no image layer.",
        "model": form.model.problem(),
        "blend": form.model.blend.problem(),
        "then": form.then.problem(),
        "scale": _scale_problem(form, layers),
        "consistent": _consistent_problem(form.choice()),
        "noise": form.noise.problem(),
    }
    if layers:
        found["layer"] = _first(layer_problem(layer) for layer in layers)
        found["values"] = form.values.problem()
        found["outliers"] = _first(_outliers_problem(form, layer) for layer in layers)
        found["region"] = _first(_region_problem(form, layer, viewer) for layer in layers)
    if layers and form.output.in_folder:
        found["output"] = problem_of_layer(layers[0])
        if len(layers) > 1:
            found["output"] = (
                f"A folder takes one result, but {len(layers)} layers are selected: choose "
                f"{MEMORY} as Output, or one layer"
            )
        if form.spread.isChecked():
            found["output"] = f"A folder cannot store a spread: choose {MEMORY} as Output"
        found["folder"] = form.output.problem()
    return {field: reason for field, reason in found.items() if reason is not None}


def _scale_problem(form: UpscaleFields, layers: Sequence[Image]) -> str | None:
    """Return what is wrong with the factor or the pixel size, or None."""
    scale = form.model.scale
    if scale.currentData() == SIZE and len({side_in_unit(layer) for layer in layers}) > 1:
        return "The selected layers have pixels of different sizes: choose a factor"
    choice = form.choice()
    if choice is None:
        return scale.problem()
    try:
        choice.reference  # noqa: B018  # raises if the models enlarge too little
    except ValueError as error:
        return error_in_words(error)
    return None


def _region_problem(form: UpscaleFields, layer: Image, viewer: ViewerModel) -> str | None:
    if layer_problem(layer) is not None:
        return None
    try:
        form.region.region(layer, viewer)
    except RegionError as error:
        return str(error)
    return None


def _outliers_problem(form: UpscaleFields, layer: Image) -> str | None:
    if form.outliers.currentData() != "mark" or layer.dtype.kind == "f":
        return None
    why = f"has the type {layer.dtype}, which cannot contain NaN"
    return f"The layer {layer.name} {why}: change Outliers."


def _first(problems: Iterable[str | None]) -> str | None:
    """Return the first problem, or None if there is none."""
    return next((problem for problem in problems if problem is not None), None)


def _consistent_problem(choice: ChosenModel | None) -> str | None:
    """Return the reason why a model's results cannot be made consistent, or None."""
    if choice is None or not choice.consistent or choice.entry is None:
        return None
    if choice.entry.training.any_noise:
        return (
            f"{choice.entry.title} removes noise, which a consistent result would bring back: "
            "untick Consistent."
        )
    if choice.entry.family not in OPTICAL:
        return None
    return (
        f"{choice.entry.title} was trained on images blurred by optics, so its results cannot be "
        "made consistent."
    )
