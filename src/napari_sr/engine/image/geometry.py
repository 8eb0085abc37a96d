"""Scale and translate of an upscaled layer in world coordinates.

The centre of pixel i is at `i * scale + translate`, and its edges are half a pixel to either side.
Source and result share their outer edges. The centre of the first pixel is half a pixel inside the
edge, and the result's pixels are smaller, so its translate differs from the source's. Copying the
source's translate would shift the overlay by up to half a source pixel.

Symbols: D data axes of a layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray


def enlarged_transform(
    scale: ArrayLike,
    to_world: Callable[[NDArray[np.float64]], ArrayLike],
    from_parent: Callable[[NDArray[np.float64]], ArrayLike],
    factors: Sequence[float],
    origin: Sequence[float] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scale and translate that align an enlarged layer with its source.

    Rotation, shear, affine, units and axis labels stay those of the source.

    Parameters
    ----------
    scale : array, (D,)
        The source layer's scale.
    to_world : callable
        Maps data coordinates of the source, (D,), to world coordinates: `layer.data_to_world`.
    from_parent : callable
        Undoes the layer's affine on a world position, (D,): `layer.affine.inverse`.
    factors : sequence of float, (D,)
        Enlargement of each axis; 1 for looped axes.
    origin : sequence of float, (D,), optional
        Data index of the first source pixel that was enlarged; 0 for a whole layer.

    Returns
    -------
    scale, translate : arrays, (D,)

    Raises
    ------
    ValueError
        If the lengths differ or a factor is not positive.
    """
    source = np.asarray(scale, float)
    factor = np.asarray(factors, float)
    start = np.zeros_like(source) if origin is None else np.asarray(origin, float)
    if source.ndim != 1 or not source.shape == factor.shape == start.shape or (factor <= 0).any():
        raise ValueError(
            "scale, factors and origin must be equally long, and factors positive, got "
            f"scale {source.shape}, factors {factor.tolist()}, origin {start.tolist()}"
        )
    first_centre = start + 0.5 / factor - 0.5
    translate = np.asarray(from_parent(np.asarray(to_world(first_centre), float)), float)
    return source / factor, translate
