"""The description of a model package, in the formats 0.5 and 0.4.

https://bioimage-io.github.io/spec-bioimage-io
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.graph.processing import Processing
from napari_sr.graph.processing_steps import Binarize, Clip, Convert
from napari_sr.zoo.bioimage.geometry import geometry_of
from napari_sr.zoo.bioimage.steps import TYPES, Frame, steps_of
from napari_sr.zoo.bioimage.tolerance import Tolerance, tolerance_of
from napari_sr.zoo.limits import BROKEN, RefusedError
from napari_sr.zoo.model_card import card_from

if TYPE_CHECKING:
    from napari_sr.graph.processing_steps import Operation
    from napari_sr.zoo.bioimage.geometry import Geometry
    from napari_sr.zoo.model_card import ModelCard

FORMATS = ("0.4", "0.5")
KINDS = ("onnx", "torchscript")
"""Formats of weights that can be run, the first preferred."""
UNIT = (0.0, 1.0)
OURS = "napari_sr"
"""Our entry in a description's `config`."""


@dataclass(frozen=True)
class Source:
    """A file that a description names."""

    name: Any
    sha256: Any = None


@dataclass(frozen=True)
class Description:
    """What a description says about a model."""

    format: str
    name: str
    card: ModelCard
    geometry: Geometry
    processing: Processing | None
    """None if the network maps 0..1 to 0..1, as ours do: then black and white of the image are
    mapped to 0 and 1."""
    kind: str
    """Format of the weights, one of `KINDS`."""
    weights: Source
    tests: tuple[Source, Source] | None
    """Test input and test output; None if there are none."""
    clips: bool = False
    """Whether results are clipped to 0..1, if there is no `processing`: black to white."""
    remarks: tuple[str, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    """How far results may differ from the test result."""


def described(found: dict[str, Any], available: tuple[str, ...] = KINDS) -> Description:
    """Convert a description.

    Parameters
    ----------
    found : dict
        The table of the YAML file.
    available : tuple of str
        The formats of weights, of `KINDS`, that can be run here.

    Raises
    ------
    RefusedError
        If it does not describe a model that can be used; the message says why.
    """
    try:
        return _described(found, available)
    except RefusedError:
        raise
    except BROKEN as error:
        raise RefusedError(
            f"has a description that cannot be understood ({error!r:.100})"
        ) from error


def _described(found: dict[str, Any], available: tuple[str, ...]) -> Description:
    version = str(found.get("format_version", ""))
    if found.get("type") != "model":
        raise RefusedError(f"describes {found.get('type')!r}, not a model")
    if version.rpartition(".")[0] not in FORMATS:
        raise RefusedError(
            f"is described in the format {version!r}: only {' and '.join(FORMATS)} are known"
        )
    before, after = (_tables(found.get(key)) for key in ("inputs", "outputs"))
    geometry = geometry_of(before, after)
    processing = _processing(before[0], after[0], geometry, found)
    kind, weights = _weights(found.get("weights"), available)
    remarks = []
    if processing is not None:
        remarks.append("Its author describes how pixels are processed; results are floats.")
    if _from_data_sets(before[0]):
        remarks.append("Statistics of the data set are those of each plane.")
    return Description(
        version,
        _line(found.get("name")) or "unnamed",
        _card(found, geometry.scale),
        geometry,
        processing,
        kind,
        weights,
        _tests(found, before[0], after[0]),
        any(one for one in _tables(after[0].get("postprocessing")) if "clip" in one.values()),
        tuple(remarks),
        tolerance_of(found, kind),
    )


def _tables(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: object) -> str:
    return " ".join(value.split())[:100] if isinstance(value, str) else ""


def _card(found: dict[str, Any], scale: int) -> ModelCard:
    authors = [one.get("name") for one in _tables(found.get("authors")) if isinstance(one, dict)]
    return card_from(
        {
            "name": found.get("name"),
            "author": authors,
            "licence": found.get("license"),
            "purpose": found.get("description"),
            "scale": scale,
        }
    )


def _weights(entries: object, available: tuple[str, ...]) -> tuple[str, Source]:
    """Return format and file of the weights that will be run."""
    table = entries if isinstance(entries, dict) else {}
    here = [kind for kind in KINDS if isinstance(table.get(kind), dict)]
    usable = [kind for kind in here if kind in available]
    if not usable:
        listed = ", ".join(map(str, table)) or "none"
        more = ": pip install 'napari-sr[onnx]'" if here else ""
        raise RefusedError(
            f"has weights in the formats {listed}, but only {' and '.join(available)} can be run "
            f"here, because no Python of a package is run{more}"
        )
    entry = table[usable[0]]
    if entry.get("external_data") is not None:
        raise RefusedError("has an ONNX file whose weights are in another file")
    return usable[0], Source(entry.get("source"), entry.get("sha256"))


def _tests(found: dict[str, Any], before: Any, after: Any) -> tuple[Source, Source] | None:
    pair = [tensor.get("test_tensor") for tensor in (before, after)]
    if all(isinstance(one, dict) for one in pair):
        first, second = (Source(one.get("source"), one.get("sha256")) for one in pair)
        return first, second
    named = [_tables(found.get(key)) for key in ("test_inputs", "test_outputs")]
    if all(len(one) == 1 for one in named):
        return Source(named[0][0]), Source(named[1][0])
    return None


# --- values


def _processing(
    before: dict[str, Any], after: dict[str, Any], geometry: Geometry, found: dict[str, Any]
) -> Processing | None:
    """Return the processing of pixels; None for a network from 0..1 to 0..1."""
    first = steps_of(before.get("preprocessing"), Frame(geometry.names, geometry.channels))
    last = steps_of(
        after.get("postprocessing"), Frame(geometry.names_out, geometry.channels, result=True)
    )
    limits, kind = _range(before)
    ends, ending = _range(after)
    whole = np.dtype(kind).kind in "iu"
    newer = not str(found.get("format_version")).startswith("0.4")
    first = _with_types(first, kind, kind if newer else "float32")
    last = _with_types((Convert("float32"), *last), "", ending)[1:]
    config = found.get("config")
    ours = config.get(OURS) if isinstance(config, dict) else None
    ours = isinstance(ours, dict) and ours.get("result") == list(UNIT)
    unit = limits == UNIT and kind.startswith("float") and (ends == UNIT or ours)
    if unit and all(map(_keeps_floats, first)) and all(map(_keeps_unit, last)):
        return None
    return Processing(geometry.channels, first, last, limits, whole=whole)


def _with_types(steps: tuple[Operation, ...], first: str, last: str) -> tuple[Operation, ...]:
    """Return steps with the conversions that the format adds at both ends if they are missing."""
    if not steps or not isinstance(steps[0], Convert):
        steps = (Convert(first), *steps)
    ended = len(steps) > 1 and isinstance(steps[-1], Convert | Binarize)
    return steps if ended else (*steps, Convert(last))


def _keeps_floats(step: Operation) -> bool:
    return isinstance(step, Convert) and step.dtype.startswith("float")


def _keeps_unit(step: Operation) -> bool:
    """Return whether a step changes nothing in 0..1."""
    return _keeps_floats(step) or (
        isinstance(step, Clip) and not step.gathers and (step.low, step.high) == UNIT
    )


def _range(tensor: dict[str, Any]) -> tuple[tuple[float, float] | None, str]:
    """Return the allowed values of a tensor, None if all are, and their data type."""
    data = tensor.get("data", {})
    data = data[0] if isinstance(data, list) and data else data
    data = data if isinstance(data, dict) else {}
    kind = str(tensor.get("data_type", data.get("type", "float32")))
    if kind not in TYPES:
        raise RefusedError(f"has pixels of the type {kind!r}, which is none of {', '.join(TYPES)}")
    ends = tensor.get("data_range", data.get("range")) or (None, None)
    try:
        low, high = (None if one is None else float(one) for one in ends)
        limits = np.iinfo(kind) if np.dtype(kind).kind in "iu" else None
    except (TypeError, ValueError) as error:
        raise RefusedError(f"states values that are not understood: {kind}, {ends!r}") from error
    if limits is not None:
        low = float(limits.min) if low is None else low
        high = float(limits.max) if high is None else high
    least, most = -np.inf if low is None else low, np.inf if high is None else high
    return (None if (least, most) == (-np.inf, np.inf) else (least, most)), kind


def _from_data_sets(tensor: dict[str, Any]) -> bool:
    """Return whether a step wants statistics of a data set, such as of a batch."""
    for step in _tables(tensor.get("preprocessing")):
        kwargs = step.get("kwargs") or {} if isinstance(step, dict) else {}
        axes = kwargs.get("axes")
        statistic = step.get("id", step.get("name")) in ("zero_mean_unit_variance", "scale_range")
        if kwargs.get("mode") == "per_dataset" or (
            statistic and "mode" not in kwargs and (axes is None or "batch" in axes)
        ):
            return True
    return False
