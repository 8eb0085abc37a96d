"""Convert displayed pixels to stored TIFF pixels: the inverse of `photometric` and `samples`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.photometric import turn_over
from napari_sr.files.samples import multiplied

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.files.image import ImageFile


def as_stored(image: ImageFile) -> NDArray[Any]:
    """Return the pixels as a TIFF of the image's kind stores them, on the same axes.

    Colours are multiplied by associated alpha, grey and alpha become two samples, white becomes
    zero if the file stores it so, and NaN becomes the no-data value.

    Parameters
    ----------
    image : ImageFile
        The image to write.
    """
    pixels = image.as_shown()
    bits = image.significant_bits
    if image.white_is_zero and (image.grey_alpha or not image.colour):
        pixels = turn_over(pixels, bits, _samples(image))
    has_alpha = image.colour and image.pixels.shape[-1] == 4
    if has_alpha and image.alpha == "assocalpha":
        pixels = multiplied(pixels, bits, bounded=image.alpha_bounds)
    if image.nodata is not None and pixels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = np.array(image.nodata).astype(pixels.dtype)
        pixels = np.where(np.isnan(pixels), value, pixels)
    return pixels


def _samples(image: ImageFile) -> int | None:
    """Return the axis of samples; None if all values are grey."""
    if image.grey_alpha and image.colour:
        return image.pixels.ndim - 1
    return None if image.samples is None else image.axes.find(image.samples.axis)
