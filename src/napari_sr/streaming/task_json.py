"""Model and settings of a run as JSON, for the journals of unfinished results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_sr.engine.planning.settings import Settings
from napari_sr.graph.factor import factor_in
from napari_sr.runs.model import ModelReference


def model_as_json(model: ModelReference) -> dict[str, Any]:
    """Return a reference to a model as JSON."""
    name = model.name
    return {
        "name": str(name.absolute()) if isinstance(name, Path) else name,
        "scale": model.scale,
        "options": [list(one) for one in model.options],
        "full_range": model.full_range,
        "second": None if model.second is None else model_as_json(model.second),
        "weight": model.weight,
        # older versions began results without this entry
        **({"consistent": True} if model.consistent else {}),
        **({} if model.then is None else {"then": model_as_json(model.then)}),
        **({} if model.factor is None else {"factor": str(model.factor)}),
    }


def model_from_json(found: dict[str, Any]) -> ModelReference:
    """Return the reference that `model_as_json` wrote."""
    return ModelReference(
        found["name"],
        found["scale"],
        tuple((key, value) for key, value in found["options"]),
        found["full_range"],
        None if found["second"] is None else model_from_json(found["second"]),
        found["weight"],
        found.get("consistent", False),
        model_from_json(found["then"]) if "then" in found else None,
        factor_in(found["factor"]) if "factor" in found else None,
    )


def settings_from_json(found: dict[str, Any]) -> Settings:
    """Return the settings from the JSON of `Settings.of_result`."""
    from napari_sr.engine.image.value_range import Percentiles

    values = found["value_range"]
    if isinstance(values, dict):
        values = Percentiles(**values)
    elif values is not None:
        values = tuple(values)
    noise = noise_from_json(found.get("noise"))
    return Settings(**{**found, "value_range": values, "noise": noise})


def noise_from_json(found: Any) -> float | tuple[float, ...] | None:
    """Return the level of the noise, or one for each channel, from the JSON of settings."""
    return tuple(found) if isinstance(found, list) else found
