"""The keyword arguments of the layer that shows a result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari.utils.transforms import Affine

from napari_sr.engine.image.geometry import enlarged_transform
from napari_sr.widgets.common.appearance import appearance
from napari_sr.widgets.common.layer_source import METADATA_KEY, is_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from napari_sr.engine.execution.partial_result import FinishedPart
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.factor import Factor
    from napari_sr.runs.model_list import ChosenModel
    from napari_sr.runs.source import Source
    from napari_sr.widgets.upscale.queue import PendingRun

LONGEST = 48
"""Largest number of letters of a model's name in a layer's name."""


def result_arguments(
    layer: Image,
    source: Source,
    choice: ChosenModel,
    *,
    region: Region | None = None,
    ensemble: bool = False,
    order: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Return the arguments of `add_image` except the pixels; call this in the GUI thread.

    Call it before a run. The result will cover its source exactly and look like it.

    Parameters
    ----------
    layer : Image
        The source layer.
    source : Source
        The pixels that are read from the layer.
    choice : ChosenModel
        The model and its scale.
    region : Region, optional
        The rectangle of each plane that is upscaled; the layer's name then says "part".
    ensemble : bool
        Whether the result is the mean of eight views; the layer's name then says so.
    order : sequence of int, optional
        The viewer's `dims.order`, see `appearance`.
    """
    model = f"{choice.label}, ensemble" if ensemble else choice.label
    name = source.name if region is None else f"{source.name}, part"
    origin = source.origin_of(region, choice.enlargement)
    look = appearance(layer, source, choice.enlargement, order, origin)
    if choice.model.other_unit:
        del look["contrast_limits"]  # napari finds those of the result
    return {
        "name": result_name(name, model, of_result=region is None and is_result(layer)),
        "rgb": source.rgb,
        "metadata": dict(layer.metadata),
        **_placement(layer, source, choice.enlargement, origin),
        **look,
    }


def result_name(source: str, model: str, *, of_result: bool = False) -> str:
    """Return a result's name: its source and its model, each once.

    Parameters
    ----------
    source : str
        Name of the source layer.
    model : str
        The model, such as "FSRCNN x2".
    of_result : bool
        Whether the source is a result itself.

    Examples
    --------
    >>> result_name("cells", "FSRCNN x2")
    'cells [FSRCNN x2]'
    >>> result_name("cells", "cells FSRCNN x2")
    'cells [own FSRCNN x2]'
    >>> result_name("cells [FSRCNN x2]", "BSRN x2", of_result=True)
    'cells [FSRCNN x2, then BSRN x2]'
    """
    if model.startswith(f"{source} "):
        model = f"own {model.removeprefix(source).strip()}"
    if len(model) > LONGEST:
        # keep the end, which contains the scale and the word ensemble
        model = f"{model[: LONGEST - 20]}…{model[-19:]}"
    before = re.fullmatch(r"(.* \[[^\]]*[^\d\]][^\]]*)\]", source) if of_result else None
    return f"{source} [{model}]" if before is None else f"{before[1]}, then {model}]"


def part_arguments(pending: PendingRun, part: FinishedPart, words: str) -> dict[str, Any]:
    """Return the arguments of `add_image` in which a part of a result differs from the whole.

    Parameters
    ----------
    pending : PendingRun
        The run.
    part : FinishedPart
        The part.
    words : str
        Extent of the part, for the layer's name; "" if it is the whole result.
    """
    if not words:
        return {}
    known = pending.arguments
    first = [start for start, _ in part.spans][: len(known["scale"])]
    place = {key: known[key] for key in ("scale", "translate", "rotate", "shear")}
    source, bracket, model = known["name"].rpartition(" [")
    plane = known["plane"]
    shown = zip(plane["position"], [0, 0, 0, *first][-3:], strict=True)
    return {
        "name": f"{source}, unfinished: {words}{bracket}{model}",
        "translate": Affine(**place)(first) if any(first) else known["translate"],
        "plane": {**plane, "position": tuple(at - start for at, start in shown)},
    }


def _placement(
    layer: Image, source: Source, factor: Factor, origin: tuple[float, ...]
) -> dict[str, Any]:
    scale, translate = enlarged_transform(
        layer.scale,
        layer.data_to_world,
        layer.affine.inverse,
        source.factors(factor),
        origin,
    )
    return {
        "scale": scale,
        "translate": translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine.affine_matrix,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def with_record(arguments: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with the run's record added to the source's metadata."""
    return {**arguments, "metadata": {**arguments["metadata"], METADATA_KEY: record}}
