"""The form *Enlarge Z*: more planes for a stack, so that its voxels become cubes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.geometry import enlarged_transform
from napari_sr.runs.job import Step, named_errors
from napari_sr.runs.run import drive, translate
from napari_sr.runs.source import read_pixels
from napari_sr.widgets.common.appearance import appearance
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.layer_source import METADATA_KEY, layer_problem, source_of
from napari_sr.widgets.common.pixel_size import pixel_size
from napari_sr.widgets.common.remembered_gui import RememberedGui

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_sr.runs.source import Source

LARGEST = 64
"""Largest enlargement."""
DECIMALS = 4
"""Decimals of the enlargement: with fewer, voxels would not be cubes."""


def enlarge_z_of(layer: Image, enlargement: float = 2.0) -> NDArray[Any]:
    """Enlarge a stack along Z by cubic interpolation.

    Parameters
    ----------
    layer : Image
        A layer with an axis Z: an axis with this label, or else the one before Y.
    enlargement : float
        Number of planes of the result for each plane, from 1 to 64.

    Returns
    -------
    array
        The enlarged stack, in the layer's type.

    Raises
    ------
    ValueError
        If the layer has no axis Z, or alpha.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the result does not fit into memory.
    """
    return drive(enlarge_steps(source_of(layer), enlargement))


def enlarge_steps(source: Source, enlargement: float) -> Generator[Step, None, NDArray[Any]]:
    """Enlarge the pixels of a layer in a worker; arguments and errors as for `enlarge_z_of`."""
    return (yield from named_errors(_enlarged(source, enlargement), source.name))


def _enlarged(source: Source, enlargement: float) -> Generator[Step, None, NDArray[Any]]:
    # late: imports torch
    from napari_sr.engine.image.axial import checked_axial, enlarge_z
    from napari_sr.runs.axial import bytes_of, check_room

    layout = layout_of(source.shape, source.dtype, source.axes)
    factor = checked_axial(enlargement, layout)
    in_memory = type(source.data) is np.ndarray and source.plane is None
    check_room(layout, factor, 0 if in_memory else bytes_of(layout))

    def words(planes: tuple[int, int]) -> Step:
        return Step(*planes, f"Reading plane {planes[0]} of {planes[1]}")

    pixels = yield from translate(read_pixels(source), words)
    yield Step(0, 0, "Interpolating")
    return enlarge_z(np.asarray(pixels), source.axes.index("Z"), factor, layout.dtype)


class EnlargeZWidget(LayersForm):
    """Enlarge a stack along Z, and add it as a layer that covers its source exactly.

    Parameters
    ----------
    napari_viewer : ViewerModel
        The viewer; the form lists its layers, and adds the result.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        options: dict[str, dict[str, Any]] = {
            "layer": {"label": "Layer"},
            "enlargement": {
                "label": "Enlargement", "min": 1.0, "max": float(LARGEST), "step": 0.5,
                "tooltip": "Planes of the result for each plane of the layer.\n"
                "The form proposes what makes voxels cubes, by the layer's pixel sizes.",
            },
        }  # fmt: skip
        gui = RememberedGui(enlarge_z_of, options, forgotten=("layer", "enlargement"))
        gui.enlargement.native.setDecimals(DECIMALS)
        fields = FunctionFields(gui, "Enlarge", icon="upscale")
        fields.run.setToolTip(
            "Interpolate planes between those of the stack. This adds no detail along Z."
        )
        super().__init__(napari_viewer, fields, "Enlarge Z", ("layer",))
        self._arguments: dict[str, Any] = {}
        gui.layer.changed.connect(self._propose)
        self._propose(gui.layer.value)

    def _propose(self, layer: Image | None) -> None:
        """Propose the enlargement that makes voxels cubes."""
        if layer is None or layer_problem(layer) or "Z" not in source_of(layer).axes:
            return
        axis = source_of(layer).axes.index("Z")
        sizes = pixel_size(layer, axis - layer.ndim), pixel_size(layer)
        step, pixel = sizes if None not in sizes else (layer.scale[axis], layer.scale[-1])
        ratio = abs(float(step or 1) / float(pixel or 1))
        self.gui.enlargement.value = min(max(ratio, 1.0), LARGEST)

    def _problems(self, values: dict[str, Any]) -> dict[str, str]:
        layer = values["layer"]
        if layer is None:
            return {"layer": "Open a stack first."}
        wrong = layer_problem(layer)
        if wrong is not None:
            return {"layer": wrong}
        source = source_of(layer)
        if "Z" not in source.axes:
            return {"layer": f"{layer.name} has no axis Z; its axes are {', '.join(source.axes)}."}
        if source.rgb and source.shape[-1] == 4:
            return {"layer": f"{layer.name} has alpha: only grey and RGB can be enlarged along Z."}
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        layer, enlargement = values["layer"], float(values["enlargement"])
        source = source_of(layer)
        order = getattr(self._viewer.dims, "order", None)
        self._arguments = layer_arguments(layer, source, enlargement, order)
        return enlarge_steps, (source, enlargement)

    def _show_result(self, result: NDArray[Any]) -> None:
        self._viewer.add_image(result, **self._arguments)
        self.form.status.say(f"Added {self._arguments['name']}, shape {result.shape}.")


def layer_arguments(
    layer: Image, source: Source, enlargement: float, order: Any = None
) -> dict[str, Any]:
    """Return the arguments of `add_image` except the pixels; call this in the GUI thread.

    Parameters
    ----------
    layer : Image
        The source layer.
    source : Source
        Its pixels.
    enlargement : float
        Enlargement along Z.
    order : sequence of int, optional
        The viewer's `dims.order`, see `appearance`.
    """
    axis = source.axes.index("Z")
    factors = [enlargement if at == axis else 1 for at in range(layer.ndim)]
    scale, translate = enlarged_transform(
        layer.scale, layer.data_to_world, layer.affine.inverse, factors, source.origin
    )
    looks = appearance(layer, source, 1, order, source.origin)
    del looks["plane"]  # its position along Z would be another one
    own = {key: value for key, value in layer.metadata.items() if key != METADATA_KEY}
    return {
        "name": f"{layer.name} [Z x{enlargement:.4g}]",
        "rgb": source.rgb,
        "metadata": own,
        "scale": scale,
        "translate": translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine.affine_matrix,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
        **looks,
    }
