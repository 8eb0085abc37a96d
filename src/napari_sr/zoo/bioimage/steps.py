"""Convert the pre- and post-processing of a description to steps; refuse what is unknown.

The steps are those of the model description 0.5 and 0.4:
https://bioimage-io.github.io/spec-bioimage-io
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.graph.processing_steps import (
    Binarize,
    Clip,
    Convert,
    Linear,
    ScaleRange,
    Sigmoid,
    Standardise,
)
from napari_sr.zoo.limits import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.graph.processing_steps import Axes, Numbers, Operation

TYPES = (
    "float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "bool",
)  # fmt: skip
"""Types to which pixels can be converted."""
_PLACES = {"y": 0, "x": 1, "c": 2}


@dataclass(frozen=True)
class Frame:
    """What steps need to know of their tensor."""

    letters: dict[str, str]
    """The letter (b, c, y or x) of each axis by its name in the description."""
    channels: int
    result: bool = False
    """Whether the steps follow the network."""


def steps_of(listed: object, frame: Frame) -> tuple[Operation, ...]:
    """Return the steps that a description lists.

    Parameters
    ----------
    listed : object
        The value of `preprocessing` or `postprocessing`; None if there is none.
    frame : Frame
        The tensor that they change.

    Raises
    ------
    RefusedError
        If a step or one of its arguments is unknown or wrong; the message names it.
    """
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise RefusedError(f"has steps of processing that are no list: {listed!r:.80}")
    return tuple(_step(one, frame) for one in listed)


def _step(listed: object, frame: Frame) -> Operation:
    table = listed if isinstance(listed, dict) else {}
    name = table.get("id", table.get("name"))
    kwargs = table.get("kwargs") or {}
    where = "post" if frame.result else "pre"
    if isinstance(name, str) and name in _NOT_FOR_IMAGES:
        raise RefusedError(f"needs the {where}processing {name}, which {_NOT_FOR_IMAGES[name]}")
    if not isinstance(name, str) or name not in _STEPS or not isinstance(kwargs, dict):
        raise RefusedError(
            f"needs the {where}processing {name!r}, which napari-sr does not know; it knows "
            f"{', '.join(_STEPS)}"
        )
    build, known = _STEPS[name]
    unknown = [key for key, value in kwargs.items() if key not in known and value is not None]
    if unknown:
        raise RefusedError(
            f"uses {name} with {unknown[0]}={kwargs[unknown[0]]!r}, which is unknown"
        )
    try:
        step = build(kwargs, frame)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"uses {name} with wrong arguments: {kwargs!r:.120}") from error
    if step.gathers and frame.result:
        raise RefusedError(
            f"normalises its result by {name}, which needs values of the whole result: tiles would "
            "differ"
        )
    return step


def _linear(kwargs: dict[str, Any], frame: Frame) -> Operation:
    return Linear(_numbers(kwargs, "gain", frame, 1.0), _numbers(kwargs, "offset", frame, 0.0))


def _standardise(kwargs: dict[str, Any], frame: Frame) -> Operation:
    if kwargs.get("mode", "per_sample") == "fixed":
        return _fixed(kwargs, frame)
    return Standardise(_axes(kwargs, frame), _eps(kwargs))


def _fixed(kwargs: dict[str, Any], frame: Frame) -> Operation:
    mean, std = (_numbers(kwargs, key, frame) for key in ("mean", "std"))
    return Standardise((0, 1), _eps(kwargs), mean, std)


def _scale_range(kwargs: dict[str, Any], frame: Frame) -> Operation:
    low, high = (
        _number(kwargs.get(key, usual))
        for key, usual in (("min_percentile", 0.0), ("max_percentile", 100.0))
    )
    if not 0 <= low < high <= 100:
        raise RefusedError(f"uses scale_range with the percentiles {low:g} and {high:g}")
    return ScaleRange(low, high, _axes(kwargs, frame), _eps(kwargs))


def _clip(kwargs: dict[str, Any], frame: Frame) -> Operation:
    low, high, first, last = (
        None if kwargs.get(key) is None else _number(kwargs[key])
        for key in ("min", "max", "min_percentile", "max_percentile")
    )
    if any(share is not None and not 0 <= share <= 100 for share in (first, last)):
        raise RefusedError(f"uses clip with the percentiles {first} and {last}")
    return Clip(low, high, (first, last), _axes(kwargs, frame))


def _binarize(kwargs: dict[str, Any], frame: Frame) -> Operation:
    return Binarize(_numbers(kwargs, "threshold", frame))


def _convert(kwargs: dict[str, Any], frame: Frame) -> Operation:
    kind = kwargs["dtype"]
    if kind not in TYPES:
        raise RefusedError(f"converts pixels to {kind!r}, which is none of {', '.join(TYPES)}")
    return Convert(str(np.dtype(kind)))


_STATISTIC = ("axes", "eps", "mode")
_STEPS: dict[Any, tuple[Callable[[dict[str, Any], Frame], Operation], tuple[str, ...]]] = {
    "scale_linear": (_linear, ("gain", "offset", "axis", "axes")),
    "zero_mean_unit_variance": (_standardise, (*_STATISTIC, "mean", "std")),
    "fixed_zero_mean_unit_variance": (_fixed, ("mean", "std", "axis", "eps")),
    "scale_range": (_scale_range, (*_STATISTIC, "min_percentile", "max_percentile")),
    "clip": (_clip, ("min", "max", "min_percentile", "max_percentile", "axes")),
    "binarize": (_binarize, ("threshold", "axis")),
    "ensure_dtype": (_convert, ("dtype",)),
    "sigmoid": (lambda kwargs, frame: Sigmoid(), ()),
}
"""The known steps, each with a function that builds it and the names of its arguments."""
_NOT_FOR_IMAGES = {
    "softmax": "turns channels into probabilities of classes: it does not return an image",
    "scale_mean_variance": (
        "gives the whole result the mean and deviation of another tensor: tiles would differ"
    ),
    "stardist_postprocessing": "finds objects: it does not return an image",
    "cellpose_flow_dynamics": "finds objects: it does not return an image",
    "custom": "is a program of its author, and no program of a package is run",
}
"""Steps that are refused, each with the reason."""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a finite number is needed, got {value!r}")
    return float(value)


def _numbers(kwargs: dict[str, Any], key: str, frame: Frame, usual: float | None = None) -> Numbers:
    """Return one number for all channels, or one for each channel."""
    value = kwargs.get(key)
    value = usual if value is None else value
    if not isinstance(value, list):
        return _number(value)
    axis = kwargs.get("axis")
    along = "c" if axis is None else frame.letters.get(str(axis))
    if len(value) == 1:
        return _number(value[0])
    if along != "c" or len(value) != frame.channels:
        raise ValueError(f"{frame.channels} numbers along the channels are needed, got {value}")
    return tuple(map(_number, value))


def _eps(kwargs: dict[str, Any]) -> float:
    eps = _number(kwargs.get("eps", 1e-6))
    if not 0 <= eps <= 0.1:
        raise ValueError(f"eps must be from 0 to 0.1, got {eps}")
    return eps


def _axes(kwargs: dict[str, Any], frame: Frame) -> Axes:
    """Return the axes of a statistic, all by default; a batch is one plane here."""
    named = kwargs.get("axes")
    if named is None:
        return (0, 1, 2)
    letters = [frame.letters.get(str(name), str(name)) for name in named]
    places = {_PLACES[letter] for letter in letters if letter != "b"}
    if not {0, 1} <= places:
        raise RefusedError(f"normalises over the axes {named!r}, not over whole planes")
    return tuple(sorted(places))
