"""MATLAB's `imresize` for arrays; `layers.resize` has the same for tensors, with explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr.layers import resize

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import ArrayLike, NDArray


def imresize(
    image: ArrayLike, scale: float | Fraction, *, antialias: bool = True, method: str = "bicubic"
) -> NDArray[Any]:
    """Resize an image as MATLAB's `imresize(image, scale)` does.

    Integers are rounded after each of the two passes, rows first, as in MATLAB; floats are computed
    in float64.

    Parameters
    ----------
    image : array, (H, W) or (H, W, C)
        uint8, uint16 or floats.
    scale : float or Fraction
        Output size over input size; `Fraction(1, 3)` shrinks to a third.
    antialias : bool
        Whether to widen the kernel when downscaling.
    method : str
        "bilinear", "bicubic" or "lanczos".

    Returns
    -------
    array, (ceil(H * scale), ceil(W * scale)[, C])
        In the type of the image.

    Raises
    ------
    ValueError
        If the image, the scale or the method is wrong.
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3):
        raise ValueError(f"an image must be (H, W) or (H, W, C), got {pixels.shape}")
    if pixels.dtype not in (np.uint8, np.uint16) and pixels.dtype.kind != "f":
        raise ValueError(f"imresize takes uint8, uint16 or floats, got {pixels.dtype}")
    planes = torch.from_numpy(np.atleast_3d(pixels).astype(np.float64)).permute(2, 0, 1)
    whole = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else None
    resized = resize.imresize(planes, scale, antialias=antialias, largest=whole, method=method)
    result = resized.permute(1, 2, 0).numpy().astype(pixels.dtype)
    return result if pixels.ndim == 3 else result[..., 0]
