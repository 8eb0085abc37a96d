"""Which letter each axis of an array has: as it was named, or guessed where that is safe.

Letters: Y and X are the image axes; a last axis S is RGB or RGBA, a last C of 3 or 4 entries, too;
any other letter is an axis that is looped over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LOOP_LETTERS = tuple("ZTCABDEFGHIJKLMNOPQRUVW")
"""Names of leading axes, the one beside Y first: all letters but Y, X and S (colour)."""


def axes_of(shape: tuple[int, ...], kind: np.dtype[Any], axes: str | None = None) -> str:
    """Return one letter per axis of an array of real numbers.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    kind : data type
        Of its values.
    axes : str, optional
        The letters, to be checked. By default, a last axis of 1 is a channel, and one of 3 or 4
        is colour in uint8, uint16 and floats; in other types, and of 2, it must be named.

    Raises
    ------
    ValueError
        If the array is empty, has fewer than two axes or some of unknown length, holds no real
        numbers, the letters do not fit it, or nobody says what a last axis is that may be colour.
    """
    _check_kind(kind)
    _check_shape(shape)
    if axes is None:
        return _guessed(shape, kind)
    letters = isinstance(axes, str) and axes.isalpha() and axes.isupper()
    if not letters or len(axes) != len(shape) or not _fit(axes):
        raise ValueError(
            f"axes must be {len(shape)} different capital letters for shape {shape}, Y and X "
            f"among them and S only last, such as 'ZYX' or 'YXC'; got {axes!r}"
        )
    if axes[-1] == "S" and shape[-1] not in (3, 4):
        raise ValueError(f"axis S needs 3 (RGB) or 4 (RGBA) entries, got {shape[-1]} in {shape}")
    return axes


def _fit(axes: str) -> bool:
    return len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes) and "S" not in axes[:-1]


def _check_kind(kind: np.dtype[Any]) -> None:
    if kind.kind == "b":
        raise ValueError(
            "an image needs integers or floats, got an array of bool: give "
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
            f"an array of {kind} of shape {shape} may have colours or channels last, or planes of "
            f"{shape[-2]} x {last} pixels: name its axes, such as axes='YXC' or axes='ZYX'"
        )
    tail = {1: "YXC", 3: "YXS", 4: "YXS"}.get(last, "YX")
    letters = [letter for letter in LOOP_LETTERS if letter not in tail]
    looped = len(shape) - len(tail)
    if looped > len(letters):
        raise ValueError(f"an image may have {len(letters)} looped axes, got {looped}")
    return "".join(letters[:looped][::-1]) + tail
