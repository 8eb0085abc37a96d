"""The layer that shows the spread of a result over eight views of its source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_sr.runs.job import run
from napari_sr.runs.source import Source
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
"""Key of a spread layer's metadata. A spread has no record, because a record repeats a result."""
SHOWN = 99.5
"""Percentile of the spread that is shown in the brightest colour."""
MOST_VALUES = 1_000_000
"""Number of values from which percentiles are taken: the window's thread needs some 20 ms."""


def run_for_layers(
    request: Request, partial: PartialResult | None = None
) -> Generator[Step, None, Upscaled]:
    """Run a request as `job.run` does; of colours, return one spread for each pixel."""
    found = yield from run(request, partial)
    if found.spread is None or not (isinstance(request.image, Source) and request.image.rgb):
        return found
    return replace(found, spread=of_colours(found.spread))


def of_colours(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square over red, green and blue, (..., H, W); opacity is left out."""
    total = np.zeros(spread.shape[:-1], np.float32)
    for colour in range(3):
        total += spread[..., colour] ** 2
    total /= 3
    found: NDArray[np.float32] = np.sqrt(total, out=total)
    return found


def add_spread(viewer: ViewerModel, result: Image, spread: NDArray[np.float32]) -> str:
    """Add the spread of a result as a layer above it; return a sentence on it.

    The selection stays.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer of the result.
    result : Image
        The layer of the result.
    spread : array, (..., H, W)
        The spread, in the result's values.
    """
    sample = _sample(spread)
    half, most = (float(at) for at in np.percentile(sample, (50, 99))) if sample.size else (0, 0)
    limit = float(np.percentile(sample, SHOWN)) if sample.size else 0.0
    layer = Image(spread, **_arguments(result, limit or 1.0))
    layers = viewer.layers
    selected, active = set(layers.selection), layers.selection.active
    layers.insert(layers.index(result) + 1, layer)
    layers.selection = selected
    layers.selection.active = active
    return f"spread over eight views: half of the values below {half:.2g}, 1 % above {most:.2g}"


def _sample(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    values = spread.reshape(-1)[:: max(spread.size // MOST_VALUES, 1)]
    return values[np.isfinite(values)]


def _arguments(result: Image, limit: float) -> dict[str, Any]:
    record = result.metadata.get(METADATA_KEY, {})
    about = {"of": result.name, "model": record.get("model"), "views": 8, "unit": "values"}
    return {
        "name": f"{result.name}, spread",
        "rgb": False,
        "colormap": "inferno",
        "contrast_limits": (0.0, limit),
        "blending": "translucent_no_depth",
        "metadata": {SPREAD_KEY: about},
        **placed_on(result),
    }
