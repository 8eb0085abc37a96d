"""Makes the keyword arguments of the layer that shows a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.engine.geometry import enlarged_transform

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_sr.widgets._model_list import Choice
    from napari_sr.widgets._source import Source

METADATA_KEY = "napari-sr"
"""Under this key a result's metadata say how it was made."""

_SHARED = ("blending", "gamma", "interpolation2d", "interpolation3d", "opacity", "visible")
_GREY_ONLY = ("attenuation", "colormap", "contrast_limits", "iso_threshold", "rendering")


def result_arguments(
    layer: Image, source: Source, choice: Choice, *, ensemble: bool = False
) -> dict[str, Any]:
    """Return what `add_image` needs beside pixels; on the GUI thread, before the run.

    The result lies exactly on its source and looks like it.

    Parameters
    ----------
    layer : Image
        The source layer.
    source : Source
        What is read of it.
    choice : Choice
        The model and its scale.
    ensemble : bool
        Whether the mean of eight views is shown, which the layer's name then says.
    """
    model = f"{choice.label}, ensemble" if ensemble else choice.label
    looks = _SHARED if source.rgb else (*_SHARED, *_GREY_ONLY)
    return {
        "name": f"{source.name} [{model}]",
        "rgb": source.rgb,
        "metadata": dict(layer.metadata),
        **_placement(layer, source, choice.scale),
        **{name: getattr(layer, name) for name in looks},
    }


def _placement(layer: Image, source: Source, factor: int) -> dict[str, Any]:
    scale, translate = enlarged_transform(
        layer.scale,
        layer.data_to_world,
        layer.affine.inverse,
        source.factors(factor),
        source.origin,
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
    """Return the arguments with the record of the run added to the source's metadata."""
    return {**arguments, "metadata": {**arguments["metadata"], METADATA_KEY: record}}
