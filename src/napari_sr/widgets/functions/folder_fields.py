"""The fields of the form *Upscale a folder*, and the job that they describe."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from magicgui.widgets import FloatSpinBox

from napari_sr.batch.folder_arguments import FILE, PERCENTILES, RANGE, range_of, reference_of
from napari_sr.batch.job import FileJob
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.factor import LARGEST as MOST
from napari_sr.runs.model_list import known_models
from napari_sr.runs.words import TIMES
from napari_sr.widgets.common.preferences import preference
from napari_sr.widgets.common.scale_box import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_sr.runs.model import ModelReference

FORMATS = [
    ("as each image", ""), ("OME-TIFF", ".ome.tif"), ("TIFF", ".tif"), ("OME-Zarr", ".ome.zarr"),
    ("PNG", ".png"),
]  # fmt: skip
BORDERS = [("automatic", "auto"), ("reflect", "reflect"), ("zeros, as in papers", "zeros")]
DEVICES = ("auto", "cpu", "cuda", "mps")
LARGEST = 1e12
"""Largest value of white that can be typed."""
ANY = 0
"""Choice of a scale that the field *Factor* gives."""


def options() -> dict[str, dict[str, Any]]:
    """Return the labels, choices and limits of the fields."""
    number = {"min": -LARGEST, "max": LARGEST, "step": 1.0}
    device = preference("upscaling", "device", "auto")
    return {
        "source": {"label": "Folder", "mode": "d", "nullable": True},
        "target": {"label": "Results", "mode": "d", "nullable": True},
        "pattern": {"label": "Files"},
        "model": {"label": "Model", "choices": _models},
        "scale": {"label": "Scale", "choices": scales_offered((1, 2, 3, 4, 8))},
        "to": {"label": "Format", "choices": FORMATS},
        "values": {"label": "Values", "choices": [FILE, PERCENTILES, RANGE]},
        "black": {"label": "Black", **number},
        "white": {"label": "White", **number},
        "consistent": {"label": "Consistent with the source"},
        "ensemble": {"label": "Mean of eight views"},
        "border": {"label": "Border", "choices": BORDERS},
        "device": {"label": "Device", "choices": list(dict.fromkeys((*DEVICES, device)))},
        "overwrite": {"label": "Recompute results that differ"},
    }


def _models(widget: object) -> list[tuple[str, str]]:
    return [(model.line, model.name) for model in known_models()]


def scales_offered(scales: Iterable[int]) -> list[tuple[str, int]]:
    """Return the choices of the field *Scale*."""
    return [*((f"{scale} {TIMES}", scale) for scale in scales), ("any factor", ANY)]


def reference(given: Mapping[str, Any]) -> ModelReference:
    """Return the model that the fields describe."""
    scale = given["factor"] if given["scale"] == ANY else given["scale"]
    return reference_of(given["model"], scale, consistent=given["consistent"])


def factor_field(saved: Any) -> FloatSpinBox:
    """Return the field of a factor that no model needs to have, with a saved value if it fits."""
    tip = "Any factor: the result of the next larger scale is shrunk to it."
    field = FloatSpinBox(
        value=USUAL, min=1, max=MOST, step=0.1, name="factor", label="Factor", tooltip=tip
    )
    with suppress(ValueError, TypeError):
        field.value = saved
    return field


def job_of(given: Mapping[str, Any]) -> FileJob:
    """Return the job that the fields describe."""
    model = reference(given)
    settings = Settings(
        device=given["device"],
        value_range=range_of(given["values"], given["black"], given["white"]),
        ensemble=given["ensemble"],
        border=given["border"],
    )
    overwrite = given["overwrite"]
    return FileJob(given["source"], given["target"], model, settings, overwrite=overwrite)
