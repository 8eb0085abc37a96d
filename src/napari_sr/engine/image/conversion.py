"""Arrays as users hold them: masked, lazy, tensors, Pillow's images, lists."""

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


def pixels_of(block: Any) -> NDArray[Any]:
    """Return what slicing gave as a plain NumPy array, in which masked floats are NaN.

    Raises
    ------
    ValueError
        If integers are masked, as these have no NaN: how many; or it is no array.
    """
    if hasattr(block, "__dask_graph__"):  # np.asarray would drop the mask of its chunks
        block = block.compute()
    if isinstance(block, np.ma.MaskedArray):
        if block.dtype.kind == "f":
            return np.asarray(block.filled(np.nan))
        refuse_masked(block)
        return np.asarray(block.data)
    return np.asarray(block)


def refuse_masked(image: Any) -> None:
    """Refuse integers that are masked: the mask would be lost.

    Raises
    ------
    ValueError
        With how many there are.
    """
    if isinstance(image, np.ma.MaskedArray) and image.dtype.kind != "f" and np.ma.is_masked(image):
        count = int(np.count_nonzero(np.ma.getmaskarray(image)))
        raise ValueError(
            f"{count} of {image.size} values are masked, and {image.dtype} has no NaN to say so: "
            "give image.astype('float32'), or image.filled(value)"
        )


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
