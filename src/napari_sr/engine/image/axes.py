"""Letters for the axes of an array: check given letters, or guess them where this is safe.

Symbols: Y and X are the image axes; a last axis S, or a last axis C of 3 or 4 entries, is RGB or
RGBA; any other letter is an axis that is looped over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LOOP_LETTERS = tuple("ZTCABDEFGHIJKLMNOPQRUVW")
"""Letters for leading axes, starting with the axis next to Y. All letters except Y, X and S
(colour)."""


def axes_of(shape: tuple[int, ...], kind: np.dtype[Any], axes: str | None = None) -> str:
    """Return one letter per axis of an array of real numbers.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    kind : data type
        Data type of the array.
    axes : str, optional
        The letters to check. By default, a last axis of length 1 is a channel, and one of 3 or 4
        is colour in uint8, uint16 and floats. A last axis of length 2, or of 3 or 4 in other
        types, must be named.

    Raises
    ------
    ValueError
        If the array is empty, has fewer than two axes, has an axis of unknown length, or does not
        contain real numbers; if the letters do not fit the array; or if no axes are named, and it
        is unclear whether the last axis is colour.
    """
    _check_kind(kind)
    _check_shape(shape)
    if axes is None:
        return _guessed(shape, kind)
    letters = isinstance(axes, str) and axes.isalpha() and axes.isupper()
    if not letters or len(axes) != len(shape) or not _fit(axes):
        raise ValueError(
            f"axes must be {len(shape)} different capital letters for shape {shape}, with Y and X "
            f"among them, and S only at the end, such as 'ZYX' or 'YXC'; got {axes!r}"
        )
    if axes[-1] == "S" and shape[-1] not in (3, 4):
        raise ValueError(f"axis S needs 3 (RGB) or 4 (RGBA) entries, got {shape[-1]} in {shape}")
    return axes


def _fit(axes: str) -> bool:
    return len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes) and "S" not in axes[:-1]


def _check_kind(kind: np.dtype[Any]) -> None:
    if kind.kind == "b":
        raise ValueError(
            f"an image needs integers or floats, got an array of {kind}: pass "
            "image.astype('uint8') * 255"
        )
    if kind.kind not in "uif":
        raise ValueError(f"an image needs integers or floats, got an array of {kind}")


def _check_shape(shape: tuple[int, ...]) -> None:
    if any(size is None or math.isnan(size) for size in shape):
        raise ValueError(
            f"an image needs axes of known length, got shape {shape}: call compute_chunk_sizes() "
            "of the dask array first"
        )
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"an image needs at least two axes and one pixel, got shape {shape}")


def _guessed(shape: tuple[int, ...], kind: np.dtype[Any]) -> str:
    last = shape[-1] if len(shape) > 2 else 0
    may_be_colour = kind.kind == "f" or (kind.kind == "u" and kind.itemsize <= 2)
    if last == 2 or (last in (3, 4) and not may_be_colour):
        raise ValueError(
            f"the last axis of an array of {kind} of shape {shape} may be colours or channels, or "
            f"the width of planes of {shape[-2]} x {last} pixels: name the axes, such as "
            "axes='YXC' or axes='ZYX'"
        )
    tail = {1: "YXC", 3: "YXS", 4: "YXS"}.get(last, "YX")
    letters = [letter for letter in LOOP_LETTERS if letter not in tail]
    looped = len(shape) - len(tail)
    if looped > len(letters):
        raise ValueError(f"an image may have at most {len(letters)} looped axes, got {looped}")
    return "".join(letters[:looped][::-1]) + tail
