"""A layer to upscale into an OME-Zarr folder; torch is imported when the run starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sr.streaming.task_json import model_as_json

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from napari_sr.engine.planning.settings import Settings
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.files.lazy_image import Axis
    from napari_sr.runs.job import Step
    from napari_sr.runs.model import ModelReference
    from napari_sr.runs.source import Source
    from napari_sr.streaming.layer import GrowingImage

Record: TypeAlias = "dict[str, Any]"
"""Model, settings, versions and notes of a run."""


@dataclass(frozen=True)
class LayerRequest:
    """A layer to upscale into an OME-Zarr folder."""

    source: Source
    folder: Path
    """The new folder, or the folder of the unfinished result."""
    model: ModelReference
    settings: Settings
    axes: str
    """One letter per axis of the source: T, C, Z, Y or X as in OME-Zarr, or S for colours."""
    places: Mapping[str, Axis]
    """Pixel size, origin and unit of the result for each axis letter."""
    channels: tuple[Mapping[str, Any], ...] = ()
    """Names, colours and display ranges of the channels, as in OME-Zarr's `omero.channels`."""
    name: str = ""
    """Name of the result."""
    region: Region | None = None
    """The rows and columns to upscale, in pixels of the source; by default all."""
    near: tuple[float, ...] | None = None
    """Position in pixels of the source; blocks near it are computed first. None keeps their
    order."""
    resume: bool = False
    """Whether to resume the unfinished result in `folder`."""

    @property
    def key(self) -> dict[str, Any]:
        """All choices that determine the result, as JSON; a resumed run must have the same key.

        Weights and versions are not known here. Names and colours of channels may change.
        """
        source = self.source
        key = {
            "source": {"shape": source.data.shape, "dtype": str(source.dtype), "axes": self.axes},
            "plane": source.plane,
            "region": None if self.region is None else self.region.spans,
            "model": model_as_json(self.model),
            "settings": self.settings.of_result,
            "places": {letter: asdict(axis) for letter, axis in self.places.items()},
        }
        # tuples become lists, and NumPy's numbers those of Python
        found: dict[str, Any] = json.loads(json.dumps(key, default=lambda number: number.item()))
        return found


def run_in_folder(request: LayerRequest) -> Generator[Step | GrowingImage, None, Record]:
    """Upscale a layer into a folder; see `layer.run_layer`."""
    from napari_sr.streaming.layer import run_layer

    return (yield from run_layer(request))
