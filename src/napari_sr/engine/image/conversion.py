"""Arrays as users hold them: tensors, Pillow's images, lists, and floats with gaps.

Letters: H x W pixels, C channels.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AS_GREY, AS_RGB, AS_RGBA = ("1",), ("YCbCr", "HSV", "RGBX"), ("LA", "La", "PA", "RGBa")
"""Modes of Pillow's images that mean just that, in other numbers."""
AS_THEY_ARE = ("L", "RGB", "RGBA", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def as_array(image: Any) -> Any:
    """Return what slices to pixels: NumPy, dask, Zarr and alike as they are, all else as NumPy.

    Parameters
    ----------
    image : array, tensor, Pillow image or nested lists
        A tensor of bfloat16 becomes float32. A Pillow image of palette, grey and alpha, or
        YCbCr becomes RGB or RGBA.

    Raises
    ------
    ValueError
        If it is a path, or cannot be taken for an array: what it is.
    """
    if isinstance(image, str | bytes | os.PathLike):
        raise ValueError(
            f"an array is needed, got the path {os.fspath(image)!r}: read the file, as "
            "tifffile.imread does, or use `napari-sr upscale`"
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
            f"an array is needed, got {type(image).__name__}, which is none: {error}"
        ) from error


def _of_tensor(tensor: Any, torch: Any) -> NDArray[Any]:
    plain = tensor.detach()
    try:
        if plain.dtype == torch.bfloat16:  # NumPy has no such type
            plain = plain.float()
        array: NDArray[Any] = plain.cpu().resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"a tensor of {tensor.dtype} ({tensor.layout}, on {tensor.device}) cannot be read as "
            f"an array: {error}"
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
    elif mode not in AS_THEY_ARE:
        raise ValueError(
            f"a Pillow image of mode {mode} has colours that only its profile explains: convert "
            "it first, as image.convert('RGB') does"
        )
    return np.asarray(image)


def whole_number(name: str, value: Any, least: int = 1) -> int | None:
    """Return a setting as an integer: Python's, NumPy's or a float that is whole; or None.

    Raises
    ------
    ValueError
        If it is no whole number, or less than the least: its name and what it is.
    """
    if value is None:
        return None
    numbers = int | float | np.integer | np.floating
    whole = isinstance(value, numbers) and not isinstance(value, bool) and value == value // 1
    if not whole or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def fill_missing(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Give pixels without a value that of a neighbour.

    Parameters
    ----------
    pixels : array, (H, W, C)
        Of floats or integers.

    Returns
    -------
    filled : array, (H, W, C)
        NaN replaced by the nearest value of its row, then of its column; zeros where the plane
        has no value at all. The array itself where nothing is missing.
    missing : array of bool, (H, W, C), or None
        Where it was; None where nothing is missing.
    """
    if pixels.dtype.kind != "f" or not np.isnan(pixels).any():
        return pixels, None
    missing = np.isnan(pixels)
    filled = _along(_along(pixels, 1), 0)
    return np.nan_to_num(filled, nan=0.0), missing


def _along(pixels: NDArray[Any], axis: int) -> NDArray[Any]:
    """Replace NaN by the nearest value along an axis, where there is one."""
    size = pixels.shape[axis]
    shape = [1, 1, 1]
    shape[axis] = size
    place = np.arange(size).reshape(shape)
    known = ~np.isnan(pixels)
    before = np.maximum.accumulate(np.where(known, place, -1), axis=axis)
    after = np.flip(
        np.minimum.accumulate(np.flip(np.where(known, place, size), axis), axis=axis), axis
    )
    far = 4 * size
    to_before = np.where(before >= 0, place - before, far)
    to_after = np.where(after < size, after - place, far)
    nearest = np.where(to_before <= to_after, before, after)
    return np.take_along_axis(pixels, np.clip(nearest, 0, size - 1), axis=axis)
