"""Convert objects that users pass as images (tensors, Pillow images, lists), and fill NaN.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_sr.engine.image.plane_ends import PlaneEnds

AS_GREY, AS_RGB, AS_RGBA = ("1",), ("YCbCr", "HSV", "RGBX"), ("LA", "La", "PA", "RGBa")
"""Pillow modes that convert to grey, RGB or RGBA without a change of colour."""
UNCHANGED = ("L", "RGB", "RGBA", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow modes that need no conversion."""


def as_array(image: Any) -> Any:
    """Return an array whose slices are pixels.

    NumPy, dask, Zarr and similar arrays are returned unchanged; anything else becomes a NumPy
    array.

    Parameters
    ----------
    image : array, tensor, Pillow image or nested lists
        A tensor of bfloat16 becomes float32. A Pillow image with a palette, with grey and alpha,
        or in YCbCr becomes RGB or RGBA.

    Raises
    ------
    ValueError
        If the object is a path, or cannot be converted to an array; the message names its type.
    """
    if isinstance(image, str | bytes | os.PathLike):
        raise ValueError(
            f"an array is needed, got the path {os.fspath(image)!r}: read the file first, for "
            "instance with tifffile.imread, or use `napari-sr upscale`"
        )
    torch, pillow = sys.modules.get("torch"), sys.modules.get("PIL.Image")
    if torch is not None and isinstance(image, torch.Tensor):
        return _of_tensor(image, torch)
    if pillow is not None and isinstance(image, pillow.Image):
        return _of_pillow(image)
    if hasattr(image, "toarray"):  # SciPy's sparse matrices
        image = image.toarray()
    kind = type(getattr(image, "dtype", None)).__module__
    if hasattr(image, "shape") and hasattr(image, "__getitem__") and kind.startswith("numpy"):
        return image
    try:
        return np.asarray(image)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"an array is needed, got {type(image).__name__}, which cannot be converted: {error}"
        ) from error


def _of_tensor(tensor: Any, torch: Any) -> NDArray[Any]:
    plain = tensor.detach()
    try:
        if plain.dtype == torch.bfloat16:  # NumPy has no such type
            plain = plain.float()
        array: NDArray[Any] = plain.cpu().resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"a tensor of {tensor.dtype} ({tensor.layout}, on {tensor.device}) cannot be converted "
            f"to an array: {error}"
        ) from error
    return array


def _of_pillow(image: Any) -> NDArray[Any]:
    mode = image.mode
    if mode == "La":
        image = image.convert("LA")
    if mode in AS_RGBA or (mode in ("1", "L", "P", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA")
    elif mode in AS_RGB or mode == "P":
        image = image.convert("RGB")
    elif mode in AS_GREY:
        image = image.convert("L")
    elif mode not in UNCHANGED:
        raise ValueError(
            f"the colours of a Pillow image of mode {mode} depend on its colour profile: convert "
            "the image first, for instance with image.convert('RGB')"
        )
    return np.asarray(image)


def is_number(value: object, low: float = -math.inf, high: float = math.inf) -> bool:
    """Return whether a setting is a finite real number from `low` to `high`; a bool is none.

    Python counts True as 1, so that a mistaken `noise=True` would be a level of 1.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        number = float(value)
    except OverflowError:  # an int or a fraction that is too large for a float
        return False
    return math.isfinite(number) and low <= number <= high


def whole_number(name: str, value: Any, least: int = 1) -> int | None:
    """Return a setting as an int, or None if it is None.

    Integers of Python and NumPy and floats without a fraction are accepted.

    Raises
    ------
    ValueError
        If the value is not a whole number, or is less than `least`; the message gives the name and
        the value.
    """
    if value is None:
        return None
    numbers = int | float | np.integer | np.floating
    whole = isinstance(value, numbers) and not isinstance(value, bool) and value == value // 1
    if not whole or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


@dataclass(frozen=True)
class Extension:
    """Number of LR pixels by which a plane, or a part of one, is extended on each side."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    @classmethod
    def around(cls, width: int) -> Extension:
        """Return the extension by `width` pixels on all four sides."""
        return cls(width, width, width, width)

    def of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width of a plane, given as `size`, after the extension."""
        return size[0] + self.top + self.bottom, size[1] + self.left + self.right


class Filled(NamedTuple):
    """A plane, or a part of a plane, whose NaN are replaced by values of neighbours."""

    pixels: NDArray[Any]
    """(H, W, C), without NaN."""
    missing: NDArray[np.bool_] | None
    """Where the pixels were NaN, (H, W, C); None if they had no NaN."""
    kept: tuple[slice, slice] | None = None
    """Rows and columns whose result is kept; None for all."""
    origin: tuple[int, int] = (0, 0)
    """Row and column of the first pixel in the whole plane."""
    whole: Callable[[], PlaneEnds] | None = None
    """Returns the smallest and largest values of the whole plane, which it may have to read;
    None if these pixels are the whole plane."""
    extension: Extension = Extension()
    """Reflected pixels that the network reads around these pixels."""
    channel: int = 0
    """Index along C, the axis of channels; 0 for images without it."""


def fill_missing(pixels: NDArray[Any], reach: int | None = None) -> Filled:
    """Replace NaN by the value of a neighbour.

    Each NaN becomes the nearest value in its row or, if the row has none within `reach`, in its
    column. Any other NaN becomes the smallest value of the plane, or zero if the plane is all NaN.

    Parameters
    ----------
    pixels : array, (H, W, C)
        Floats or integers. Without NaN, they are returned unchanged.
    reach : int, optional
        Largest distance of a neighbour in pixels; by default, any distance. The receptive field of
        the network suffices: then a neighbour fills every NaN that affects a pixel with a value,
        and a part of a plane is filled in the same way as the whole plane.
    """
    if pixels.dtype.kind != "f" or not np.isnan(pixels).any():
        return Filled(pixels, None)
    missing = np.isnan(pixels)
    filled = _along(_along(pixels, 1, reach), 0, reach)
    lowest = np.fmin.reduce(pixels, axis=None)
    return Filled(np.nan_to_num(filled, nan=0.0 if np.isnan(lowest) else float(lowest)), missing)


def _along(pixels: NDArray[Any], axis: int, reach: int | None) -> NDArray[Any]:
    """Replace NaN by the nearest value along an axis, if there is one within reach."""
    size = pixels.shape[axis]
    shape = [1, 1, 1]
    shape[axis] = size
    position = np.arange(size).reshape(shape)
    known = ~np.isnan(pixels)
    before = np.maximum.accumulate(np.where(known, position, -1), axis=axis)
    after = np.flip(
        np.minimum.accumulate(np.flip(np.where(known, position, size), axis), axis=axis), axis
    )
    far = 4 * size
    to_before = np.where(before >= 0, position - before, far)
    to_after = np.where(after < size, after - position, far)
    nearest = np.where(to_before <= to_after, before, after)
    filled = np.take_along_axis(pixels, np.clip(nearest, 0, size - 1), axis=axis)
    if reach is not None:
        filled[np.minimum(to_before, to_after) > reach] = np.nan
    return filled
