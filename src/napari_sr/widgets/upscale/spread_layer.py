"""The layer that shows the spread of a result over eight views of its source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_sr.evaluation.spread_figures import ranks_in_words
from napari_sr.runs.job import run
from napari_sr.runs.record import known_model
from napari_sr.runs.source import Source
from napari_sr.widgets.common.layer_list import insert_unselected
from napari_sr.widgets.common.layer_source import METADATA_KEY
from napari_sr.widgets.compare.figures import placed_on

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_sr.engine.execution.partial_result import PartialResult
    from napari_sr.engine.execution.upscale import Upscaled
    from napari_sr.runs.job import Step
    from napari_sr.runs.run import Request

SPREAD_KEY = "napari-sr spread"
"""Key of a spread layer's metadata. A spread has no record, because a record describes a result."""
SHOWN = 99.5
"""Percentile of the spread that is shown in the brightest colour."""
MOST_VALUES = 1_000_000
"""Number of values from which percentiles are computed; this takes the GUI thread some 20 ms."""
LEVEL = 0.9
"""Probability that an error is below its bound, for calibrated models."""


def run_for_layers(
    request: Request, partial: PartialResult | None = None
) -> Generator[Step, None, Upscaled]:
    """Run a request as `job.run` does; the spread has one value per pixel, even for colours.

    If the model is calibrated, bounds of the error replace the spread. The record's `spread` says
    which of the two is returned.
    """
    from napari_sr.evaluation.conformal import CalibrationError, width_of
    from napari_sr.evaluation.known_calibration import calibration_for

    found = yield from run(request, partial)
    if found.spread is None:
        return found
    rgb = isinstance(request.image, Source) and request.image.rgb
    try:
        known = calibration_for(found.record)
        width = width_of(found.record)
        bounds = known.bound(found.spread, LEVEL, width, out=found.spread)  # takes no extra memory
    except CalibrationError as error:
        shown = of_colours(found.spread) if rgb else found.spread
        name, about = "spread", [ranks_in_words(known_model(found.record) or ""), str(error)]
        where = {}
    else:
        shown = bounds[..., :3].max(axis=-1) if rgb else bounds
        name, about = f"error below this with {LEVEL:.0%} probability", [known.in_words(LEVEL)]
        where = {"holds": known.where}
    told = {"shows": name, "views": 8, "unit": "values", "about": about, **where}
    return replace(found, spread=shown, record={**found.record, "spread": told})


def of_colours(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square over red, green and blue, (..., H, W); opacity is left out."""
    total = np.zeros(spread.shape[:-1], np.float32)
    for colour in range(3):
        total += spread[..., colour] ** 2
    total /= 3
    found: NDArray[np.float32] = np.sqrt(total, out=total)
    return found


def add_spread(viewer: ViewerModel, layer: Image, result: Upscaled) -> str:
    """Add the spread of a result as a layer above it; return a sentence about its values.

    The selection stays.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer of the result.
    layer : Image
        The layer of the result.
    result : Upscaled
        The result with its spread, (..., H, W), in units of the result's values.
    """
    spread = result.spread
    if spread is None:
        return ""
    told: Any = result.record.get("spread", {"shows": "spread"})
    sample = _sample(spread)
    half, most, limit = np.percentile(sample, (50, 99, SHOWN)) if sample.size else (0.0, 0.0, 0.0)
    layers = viewer.layers
    shown = Image(spread, **_arguments(layer, told, float(limit) or 1.0))
    insert_unselected(layers, layers.index(layer) + 1, shown)
    holds = f", {told['holds']}" if "holds" in told else ""
    return f"{told['shows']}: half of the values are below {half:.2g}, 1 % above {most:.2g}{holds}"


def _sample(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    values = spread.reshape(-1)[:: max(spread.size // MOST_VALUES, 1)]
    return values[np.isfinite(values)]


def _arguments(result: Image, told: dict[str, Any], limit: float) -> dict[str, Any]:
    record = result.metadata.get(METADATA_KEY, {})
    return {
        "name": f"{result.name}, {told['shows']}",
        "rgb": False,
        "colormap": "inferno",
        "contrast_limits": (0.0, limit),
        "blending": "translucent_no_depth",
        "metadata": {SPREAD_KEY: {"of": result.name, "model": record.get("model"), **told}},
        **placed_on(result),
    }
