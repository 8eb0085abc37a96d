"""Compute PSNR and SSIM of shown planes against a reference, and the map of errors.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.geometry import enlarged_transform
from napari_sr.runs.words import shape_in_words
from napari_sr.widgets.compare.shown_plane import LUMA, ShownPlane, grey_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

COLOURS = [
    (0.45, 0.85, 1.0), (0.05, 0.35, 0.9), (0.0, 0.0, 0.0), (0.85, 0.15, 0.05), (1.0, 0.8, 0.3),
]  # fmt: skip
"""Colours from negative to positive errors; black is no error."""
USUAL_ERRORS = 99.5
"""Percentile of absolute errors that is shown in the brightest colour."""


@dataclass(frozen=True)
class Errors:
    """Differences of a layer from a reference, for all planes."""

    pixels: Any
    """float32, (..., H, W): NumPy if both layers are NumPy, otherwise dask, which computes on
    demand."""
    limit: float
    """Absolute error that is shown in the brightest colour."""


def judge(planes: dict[str, ShownPlane], reference: ShownPlane) -> str:
    """Return a line for each plane: PSNR and SSIM against a reference, or why there are none.

    Parameters
    ----------
    planes : dict
        The planes, by their name in the text.
    reference : ShownPlane
        The plane that counts as the truth; its value range defines black and white.
    """
    truth = reference.read()
    low, high = ends_of(reference)
    lines = [f"{name}: {_figures(plane, reference, truth)}" for name, plane in planes.items()]
    return "\n".join([*lines, f"Black is {low:g} and white is {high:g}, as in the reference."])


def _figures(plane: ShownPlane, reference: ShownPlane, truth: NDArray[Any]) -> str:
    if plane.size != reference.size or plane.source.rgb != reference.source.rgb:
        return _misfit(plane, reference)
    if plane.source.dtype != reference.source.dtype:
        return f"{plane.source.dtype}, but the reference is {reference.source.dtype}: no figures."
    low, high = ends_of(reference)
    least, most = float(truth.min()), float(truth.max())
    if not (low <= least and most <= high):
        return (
            f"the reference has values from {least:g} to {most:g}: widen its contrast limits, "
            f"which are {low:g} and {high:g}."
        )
    from napari_sr.evaluation.metrics import METRICS, USUAL  # late: imports torch

    pair = [_unit(pixels, low, high) for pixels in (plane.read(), truth)]
    metrics = [METRICS[name] for name in USUAL if min(plane.size) >= METRICS[name].least]
    try:
        found = [metric.shown(metric.compare(*pair, border=0, luma=True)) for metric in metrics]
    except ValueError as error:  # NaN, for instance
        return f"no figures: {error}."
    return ", ".join(found)


def _unit(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (pixels.astype(np.float64) - low) / (high - low)
    return found


def ends_of(plane: ShownPlane) -> tuple[float, float]:
    """Return black and white of a plane."""
    if plane.value_range is not None:
        return plane.value_range
    kind = plane.source.dtype
    return (0.0, float(np.iinfo(kind).max)) if kind.kind in "ui" else (0.0, 1.0)


def _misfit(plane: ShownPlane, reference: ShownPlane) -> str:
    own, other = (shape_in_words(one.size) for one in (plane, reference))
    if own == other:
        kinds = {True: "colour", False: "grey"}
        own, other = kinds[plane.source.rgb], kinds[reference.source.rgb]
        return f"{own}, but the reference is {other}: no figures."
    return f"{own} px, but the reference has {other} px: no figures."


def misfit(layer: Image, reference: Image) -> str | None:
    """Return the reason why a layer cannot be subtracted from another one, or None."""
    shapes = [_shape(one) for one in (layer, reference)]
    if shapes[0] == shapes[1] and layer.rgb == reference.rgb:
        return None
    kinds = ["RGB" if one.rgb else "grey" for one in (layer, reference)]
    said = [f"{shape_in_words(shape)} {kind}" for shape, kind in zip(shapes, kinds, strict=True)]
    return f"An error map needs layers of equal shape, got {said[0]} and {said[1]}."


def _shape(layer: Image) -> tuple[int, ...]:
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(size) for size in data.shape)
    return shape[:-1] if layer.rgb else shape


def errors_of(result: ShownPlane, reference: ShownPlane) -> Errors:
    """Return result minus reference for all planes; colours are subtracted as luma.

    Parameters
    ----------
    result, reference : ShownPlane
        Shown planes of two layers of equal shape. Their errors set the limits of the colours.
    """
    shown = _difference(result.read(), reference.read())
    limit = float(np.nanpercentile(np.abs(shown), USUAL_ERRORS)) if shown.size else 0.0
    pair = result.source.data, reference.source.data
    rgb = result.source.rgb
    if all(isinstance(data, np.ndarray) for data in pair):
        first, second = (data[..., :3] if rgb else data for data in pair)
        pixels = shown if not result.source.plane else _all_planes(first, second, rgb)
    else:
        pixels = _lazily(*pair, rgb=rgb)
    return Errors(pixels, limit or 1.0)


def _difference(result: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float32]:
    return grey_of(result) - grey_of(reference)


def _all_planes(result: NDArray[Any], reference: NDArray[Any], rgb: bool) -> NDArray[np.float32]:
    """Subtract plane by plane, which needs no more memory than the result."""
    leading = result.shape[: result.ndim - 2 - rgb]
    found = np.empty(result.shape[:-1] if rgb else result.shape, np.float32)
    for index in np.ndindex(leading):
        found[index] = _difference(result[index], reference[index])
    return found


def _lazily(result: Any, reference: Any, *, rgb: bool) -> Any:
    """Return the difference as a dask array, which computes only the parts that are shown."""
    import dask.array as da

    arrays = [da.asarray(data) for data in (result, reference)]  # type: ignore[no-untyped-call]
    if rgb:
        arrays = [array[..., :3] @ LUMA for array in arrays]
    first, second = (array.astype(np.float32) for array in arrays)
    return first - second


def error_arguments(result: Image, reference: Image, errors: Errors) -> dict[str, Any]:
    """Return keyword arguments of `add_image` for a map of errors that covers the result."""
    from napari.utils.colormaps import Colormap

    return {
        "name": f"{result.name} minus {reference.name}",
        "rgb": False,
        "colormap": Colormap(COLOURS, name="error"),
        "contrast_limits": (-errors.limit, errors.limit),
        "blending": "translucent_no_depth",
        **placed_on(result),
    }


def placed_on(layer: Image, origin: Sequence[int] | None = None) -> dict[str, Any]:
    """Return keyword arguments of `add_image` that put a new layer on another, pixel on pixel.

    Parameters
    ----------
    layer : Image
        The other layer.
    origin : sequence of int, optional
        Index of that layer's pixel, without colours, on which the new layer's first pixel is put;
        by default, the first pixel.
    """
    scale, translate = layer.scale, layer.translate
    if origin is not None and any(origin):
        scale, translate = enlarged_transform(
            scale, layer.data_to_world, layer.affine.inverse, (1,) * len(origin), tuple(origin)
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
