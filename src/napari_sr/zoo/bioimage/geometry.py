"""Axes, sizes, scale and halo of a model's two tensors, in the formats 0.5 and 0.4.

Symbols: S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from napari_sr.graph.factor import fraction_in
from napari_sr.zoo.card import LARGEST_SCALE
from napari_sr.zoo.limits import RefusedError

LARGEST_SIDE = 1 << 14
"""Largest side that a network may require, in pixels."""
LARGEST_HALO = 1024
"""Largest halo in pixels of the result: a plane is extended by it on each side."""
CHANNELS = (1, 3)
_LETTERS = {"batch": "b", "channel": "c"}


@dataclass(frozen=True)
class Size:
    """Lengths of an axis that a network accepts: `least`, `least + step`, and so on."""

    least: int
    step: int
    """0 if only `least` is accepted."""

    def fitting(self, length: int) -> int:
        """Return the smallest accepted length of at least `length`, or `least` if it is fixed."""
        if length <= self.least or not self.step:
            return self.least
        return self.least - (self.least - length) // self.step * self.step


@dataclass(frozen=True)
class Geometry:
    """The two tensors of a network."""

    order_in: str
    order_out: str
    """Letters of the axes: b (optional), c (optional), y and x."""
    channels: int
    scale: int
    height: Size
    width: Size
    """Sizes of the input."""
    halo: int | None
    """Pixels of the input from each edge whose result is wrong; None if not stated."""
    names: dict[str, str]
    """Letters of the input's axes by their names."""
    names_out: dict[str, str]


def geometry_of(inputs: list[Any], outputs: list[Any]) -> Geometry:
    """Return the geometry of a model with one input and one output.

    Parameters
    ----------
    inputs, outputs : list
        The tables of the tensors, as the description has them.

    Raises
    ------
    RefusedError
        If it is not a network from one plane to one plane with a whole number as scale.
    """
    for kind, tensors in (("input", inputs), ("output", outputs)):
        if len(tensors) != 1 or not isinstance(tensors[0], dict):
            raise RefusedError(
                f"has {len(tensors)} {kind}s: only networks from one image to one image can be used"
            )
    before, after = inputs[0], outputs[0]
    try:
        read = _read_04 if isinstance(before.get("axes"), str) else _read_05
        return _checked(*read(before, after))
    except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(
            f"has a description whose tensors cannot be understood ({error!r:.100})"
        ) from error


def _checked(
    axes: tuple[dict[str, str], dict[str, str]],
    channels: tuple[int, int],
    sizes: tuple[Size, Size],
    scales: tuple[Fraction, Fraction],
    halo: int | None,
) -> Geometry:
    """Return the geometry if it is one that can be used."""
    orders = ["".join(names.values()) for names in axes]
    for order in orders:
        if sorted(order.replace("b", "").replace("c", "")) != ["x", "y"]:
            raise _no_plane(order)
    if channels[0] != channels[1] or channels[0] not in CHANNELS:
        raise RefusedError(
            f"takes {channels[0]} and returns {channels[1]} channels: only 1 and 1, or 3 and 3, "
            "can be used"
        )
    scale = scales[0]
    if scales[1] != scale or scale.denominator != 1 or not 1 <= scale <= LARGEST_SCALE:
        raise RefusedError(
            f"enlarges {float(scale):g} and {float(scales[1]):g} times: only whole numbers from 1 "
            f"to {LARGEST_SCALE}, equal for both axes, can be used"
        )
    if max(max(one.least, one.step) for one in sizes) > LARGEST_SIDE:
        raise RefusedError(f"needs images of more than {LARGEST_SIDE} pixels")
    if halo is not None and halo > LARGEST_HALO:
        raise RefusedError(
            f"states a halo of {halo} pixels: at most {LARGEST_HALO} pixels can be used"
        )
    small = None if halo is None else -(-halo // int(scale))
    return Geometry(orders[0], orders[1], channels[0], int(scale), *sizes, small, axes[0], axes[1])


def _no_plane(axes: str) -> RefusedError:
    planes = "only planes can be used (batch, channel, y, x)"
    return RefusedError(f"takes or returns images with the axes {axes!r}: {planes}")


def _whole(value: Any, least: int = 0) -> int:
    if type(value) is not int or value < least:
        raise ValueError(f"a whole number of at least {least} is needed, got {value!r}")
    return value


def _halo(values: list[Any]) -> int | None:
    """Return the largest halo; 0 counts as not stated."""
    return max((_whole(value) for value in values if value is not None), default=0) or None


# --- format 0.5: a table for each axis


def _read_05(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, ...]:
    axes_in, axes_out = (_by_letter(tensor["axes"]) for tensor in (before, after))
    names = [{_name(one): letter for letter, one in axes.items()} for axes in (axes_in, axes_out)]
    channels = [
        len(axes["c"]["channel_names"]) if "c" in axes else 1 for axes in (axes_in, axes_out)
    ]
    sizes = tuple(_size_05(axes_in, letter) for letter in "yx")
    tensor = before.get("id", before.get("name", "input"))  # the format's default
    scales = tuple(_scale_05(tensor, axes_in, axes_out, letter) for letter in "yx")
    halo = _halo([axes_out[letter].get("halo") for letter in "yx"])
    return tuple(names), tuple(channels), sizes, scales, halo


def _name(axis: dict[str, Any]) -> str:
    usual = {"batch": "batch", "channel": "channel", "space": "x"}
    return str(axis.get("id", usual.get(str(axis["type"]), "")))


def _by_letter(axes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the axes by their letters, in their order."""
    found = {}
    for axis in axes:
        kind = str(axis["type"])
        letter = _LETTERS.get(kind, _name(axis) if kind == "space" else kind[0])
        if letter in found:
            raise ValueError(f"two axes {letter!r}")
        found[letter] = axis
    for letter in "yx":
        if letter not in found:
            raise _no_plane("".join(found))
    return found


def _size_05(axes: dict[str, dict[str, Any]], letter: str) -> Size:
    size = axes[letter]["size"]
    if isinstance(size, dict) and "axis_id" in size:  # as long as another axis
        raise RefusedError("needs square images, which cannot be used")
    if isinstance(size, dict):
        return Size(_whole(size["min"], 1), _whole(size["step"], 1))
    return Size(_whole(size, 1), 0)


def _scale_05(
    tensor: Any, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], letter: str
) -> Fraction:
    size, own = after[letter]["size"], before[letter]
    if isinstance(size, int):
        return Fraction(_whole(size, 1), _whole(own["size"], 1))
    if size.get("axis_id") != _name(own) or size.get("tensor_id") != tensor:
        raise ValueError(f"output size {size}")
    if size.get("offset", 0):
        raise RefusedError(
            f"returns an image that is {-int(size['offset'])} pixels smaller than its input: such "
            "networks cannot be used"
        )
    first, second = (fraction_in(str(axis[letter].get("scale", 1))) for axis in (before, after))
    return (first / second).limit_denominator(1000)


# --- format 0.4: letters, and a list for all axes


def _read_04(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, ...]:
    orders = [str(tensor["axes"]) for tensor in (before, after)]
    names = tuple({letter: letter for letter in order} for order in orders)
    for order in orders:
        if not set("yx") <= set(order) or len(set(order)) != len(order):
            raise _no_plane(order)
    sizes = _sizes_04(before["shape"], orders[0])
    shape = after["shape"]
    if isinstance(shape, dict):
        scales, channels = _reference_04(shape, orders[1], sizes)
    else:
        lengths = dict(zip(orders[1], shape, strict=True))
        whole = {letter: _whole(lengths[letter], 1) for letter in "yx"}
        scales = {letter: Fraction(whole[letter], sizes[letter].least) for letter in "yx"}
        channels = Fraction(_whole(lengths.get("c", 1), 1))
    halo = dict(zip(orders[1], after.get("halo") or [0] * len(orders[1]), strict=True))
    return (
        names,
        (sizes["c"].least if "c" in sizes else 1, int(channels)),
        (sizes["y"], sizes["x"]),
        (scales["y"], scales["x"]),
        _halo([halo[letter] for letter in "yx"]),
    )


def _reference_04(
    shape: dict[str, Any], order: str, sizes: dict[str, Size]
) -> tuple[dict[str, Fraction], Fraction]:
    """Return scales along Y and X, and the channels, of a size that refers to the input's."""
    offsets = dict(zip(order, shape.get("offset") or [0] * len(order), strict=True))
    if any(offsets[letter] for letter in "yx"):
        raise RefusedError(
            f"returns an image whose size differs by the offset {shape['offset']}: such networks "
            "cannot be used"
        )
    factors = dict(zip(order, shape["scale"], strict=True))
    scales = {letter: fraction_in(str(factors[letter])) for letter in "yx"}
    own = sizes["c"].least if "c" in sizes else 1
    added = 2 * fraction_in(str(offsets.get("c", 0)))
    return scales, own * fraction_in(str(factors.get("c", 1))) + added


def _sizes_04(shape: Any, order: str) -> dict[str, Size]:
    if isinstance(shape, dict):
        pairs = zip(shape["min"], shape["step"], strict=True)
        found = [Size(_whole(least, 1), _whole(step)) for least, step in pairs]
    else:
        found = [Size(_whole(length, 1), 0) for length in shape]
    return dict(zip(order, found, strict=True))
