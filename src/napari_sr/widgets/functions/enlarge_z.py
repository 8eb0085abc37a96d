"""The form *Enlarge Z*: more planes for a stack, so that its voxels become cubes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image  # noqa: TC002  # magicgui reads the functions' types

from napari_sr.engine.image.geometry import enlarged_transform
from napari_sr.runs.model_list import known_models
from napari_sr.runs.run import drive
from napari_sr.widgets.common.appearance import appearance
from napari_sr.widgets.common.function_form import FunctionFields, LayersForm
from napari_sr.widgets.common.layer_source import METADATA_KEY, layer_problem, source_of
from napari_sr.widgets.common.remembered_gui import RememberedGui
from napari_sr.widgets.functions.enlarge_z_steps import (
    INTERPOLATION,
    NETWORK,
    distance_of_planes,
    enlarge_steps,
    way_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_sr.runs.source import Source

LARGEST = 64
"""Largest enlargement."""
DECIMALS = 4
"""Decimals of the enlargement: with fewer, voxels would not be cubes."""


NEARLY = 1.05
"""With planes closer than this, in pixels, a network cannot help along Z."""


def enlarge_z_of(
    layer: Image, enlargement: float = 2.0, by: str = INTERPOLATION, model: str = "fsrcnn"
) -> NDArray[Any]:
    """Enlarge a stack along Z by cubic interpolation, or with a network.

    Parameters
    ----------
    layer : Image
        A layer with an axis Z: an axis with this label, or else the one before Y.
    enlargement : float
        Number of planes of the result for each plane, from 1 to 64.
    by : str
        "interpolation", or "network": a network enlarges the planes XZ and YZ, which are averaged;
        interpolation makes up for the rest.
    model : str
        Name of the network's model.

    Returns
    -------
    array
        The enlarged stack, in the layer's type.

    Raises
    ------
    ValueError
        If the layer has no axis Z, or alpha, or the model is unknown.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the result does not fit into memory.
    """
    return drive(enlarge_steps(source_of(layer), enlargement, way_of(layer, by, model)))


def _models(widget: object) -> list[tuple[str, str]]:
    return [(model.line, model.name) for model in known_models() if model.scales]


def _has_z(layer: Image) -> bool:
    return "Z" in source_of(layer).axes


class EnlargeZWidget(LayersForm):
    """Enlarge a stack along Z, and add a layer that covers its source exactly.

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
            "by": {
                "label": "Method",
                "choices": [("interpolation", INTERPOLATION), ("network, XZ and YZ", NETWORK)],
                "tooltip": "Interpolation adds no detail. A network enlarges planes XZ and\n"
                "YZ, which are averaged. It suits clean stacks in which Z is the coarse axis.",
            },
            "model": {
                "label": "Model", "choices": _models,
                "tooltip": "The network. It changes nothing along Y and X but noise and blur.",
            },
        }  # fmt: skip
        gui = RememberedGui(enlarge_z_of, options, forgotten=("layer", "enlargement"))
        gui.enlargement.native.setDecimals(DECIMALS)
        fields = FunctionFields(gui, "Enlarge", icon="upscale")
        fields.run.setToolTip(
            "Add planes between those of the stack, and show the result as a layer."
        )
        super().__init__(napari_viewer, fields, "Enlarge Z", ("layer",))
        self._arguments: dict[str, Any] = {}
        self._choose_stack()
        gui.layer.changed.connect(self._propose)
        gui.by.changed.connect(self._offer_model)
        self._propose(gui.layer.value)
        self._offer_model()

    def _choose_stack(self) -> None:
        """Choose the selected layer if it has an axis Z, or else the first layer that has one."""
        stacks = [one for one in self._images() if not layer_problem(one) and _has_z(one)]
        active = self._listed.layers.selection.active
        if stacks:
            self.gui.layer.value = active if active in stacks else stacks[0]

    def _propose(self, layer: Image | None) -> None:
        """Propose the enlargement that makes voxels cubes."""
        if layer is None or layer_problem(layer) or not _has_z(layer):
            return
        self.gui.enlargement.value = min(max(distance_of_planes(layer), 1.0), LARGEST)

    def _offer_model(self) -> None:
        self.gui.model.enabled = self.gui.by.value == NETWORK

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
        apart = distance_of_planes(layer)
        if values["by"] == NETWORK and apart < NEARLY:
            return {
                "by": f"By the layer's scale, planes are {apart:.3g} pixels apart, so Z is not the "
                "coarse axis: set the scale, or choose interpolation."
            }
        return {}

    def _steps(self, values: dict[str, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
        layer, enlargement = values["layer"], float(values["enlargement"])
        source = source_of(layer)
        way = way_of(layer, values["by"], values["model"])
        if way is not None and not self._may_download(way.model):
            return None
        order = getattr(self._viewer.dims, "order", None)
        self._arguments = layer_arguments(layer, source, enlargement, order)
        if way is not None:
            name = self._arguments["name"].removesuffix("]")
            self._arguments["name"] = f"{name}, {values['model']}]"
        return enlarge_steps, (source, enlargement, way)

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
