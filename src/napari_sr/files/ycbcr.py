"""The conversion of YCbCr to RGB by its tags, for files that tifffile does not convert.

The formulas are in the TIFF specification 6.0, sections 20 and 21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG = (6, 7, 33007, 34892)
"""Compressions of YCbCr that tifffile decodes to RGB."""
REC601 = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in Y if the tag YCbCrCoefficients is missing."""


def check_resolution(page: Any) -> None:
    """Refuse a page with subsampled colours, except for JPEG.

    Raises
    ------
    ValueError
        If the colours are subsampled; the message names the factors.
    """
    if page.is_subsampled and page.compression not in JPEG:
        raise ValueError(
            "its YCbCr colours have a lower resolution than its brightness, by "
            f"{page.subsampling}: convert it to RGB first"
        )


def is_converted(page: Any) -> bool:
    """Return whether tifffile returns RGB for a page of YCbCr."""
    return page.compression in JPEG and not page.extrasamples and page.planarconfig == 1


def to_rgb(pixels: NDArray[Any], samples: int, page: Any, white: float) -> NDArray[Any]:
    """Convert YCbCr to RGB, rounded and clipped to black and white.

    Parameters
    ----------
    pixels : array
        Unsigned integers of up to 16 bits.
    samples : int
        The axis of Y, Cb and Cr; further samples do not change.
    page : tifffile.TiffPage
        The page, whose tags define the colours.
    white : float
        The largest code.

    Raises
    ------
    ValueError
        If the pixels are of another type.
    """
    kind = pixels.dtype
    if kind.kind != "u" or kind.itemsize > 2 or samples < 0 or pixels.shape[samples] < 3:
        raise ValueError(f"its colours are YCbCr of {kind}: convert it to RGB first")
    result = pixels.copy()
    y, cb, cr = _full_range(np.moveaxis(pixels, samples, 0)[:3], page, white)
    told = page.tags.valueof("YCbCrCoefficients")
    shares = REC601 if told is None else _numbers(told, 3)
    red, blue = y + cr * (2 - 2 * shares[0]), y + cb * (2 - 2 * shares[2])
    green = (y - shares[0] * red - shares[2] * blue) / shares[1]
    for number, colour in enumerate((red, green, blue)):
        np.moveaxis(result, samples, 0)[number] = np.rint(colour).clip(0, white)
    return result


def _full_range(
    codes: NDArray[Any], page: Any, white: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return Y in 0..white, Cb and Cr around 0, as the tag ReferenceBlackWhite defines them."""
    half = (white + 1) / 2
    told = page.tags.valueof("ReferenceBlackWhite")
    usual = [0.0, white, half, white, half, white]
    ends = usual if told is None else _numbers(told, 6)
    if max(ends) <= 255 < white:  # some writers store the values for 8 bits with every type
        of_8_bits = ends == [0.0, 255.0, 128.0, 255.0, 128.0, 255.0]
        ends = usual if of_8_bits else [end * (white + 1) / 256 for end in ends]
    ranges = (white, half - 1, half - 1)
    y, cb, cr = (
        (codes[number] - ends[2 * number]) * (full / (ends[2 * number + 1] - ends[2 * number]))
        for number, full in enumerate(ranges)
    )
    return y, cb, cr


def _numbers(values: tuple[Any, ...], count: int) -> list[float]:
    """Return a tag's numbers, stored as integers or as fractions."""
    numbers = [float(value) for value in values]
    if len(numbers) == 2 * count:
        numbers = [top / below for top, below in zip(numbers[::2], numbers[1::2], strict=True)]
    if len(numbers) != count:
        raise ValueError(f"a tag of its YCbCr colours has {len(numbers)} numbers, not {count}")
    return numbers
