"""Convert YCbCr to RGB as a TIFF's tags define it, for files that tifffile does not convert.

The formulas are in the TIFF specification 6.0, sections 20 and 21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG = (6, 7, 33007, 34892)
"""Compressions for which tifffile decodes YCbCr to RGB."""
REC601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in Y, used if the tag YCbCrCoefficients is missing."""


def check_resolution(page: Any) -> None:
    """Raise an error if a page that is not JPEG has subsampled colours.

    Raises
    ------
    ValueError
        If the colours are subsampled; the message names the factors.
    """
    if page.is_subsampled and page.compression not in JPEG:
        raise ValueError(
            "its YCbCr colours have a lower resolution than its brightness (subsampling "
            f"{page.subsampling}): convert it to RGB first"
        )


def is_converted(page: Any) -> bool:
    """Return whether tifffile converts a page of YCbCr to RGB."""
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
        The largest value.

    Raises
    ------
    ValueError
        If the pixels have another data type.
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
    """Scale Y to 0..white, and Cb and Cr to values around 0, by the tag ReferenceBlackWhite."""
    half = (white + 1) / 2
    told = page.tags.valueof("ReferenceBlackWhite")
    usual = [0.0, white, half, white, half, white]
    ends = usual if told is None else _numbers(told, 6)
    if max(ends) <= 255 < white:  # some writers give the tag for 8 bits, whatever the type
        of_8_bits = ends == [0.0, 255.0, 128.0, 255.0, 128.0, 255.0]
        ends = usual if of_8_bits else [end * (white + 1) / 256 for end in ends]
    ranges = (white, half - 1, half - 1)
    y, cb, cr = (
        (codes[number] - ends[2 * number]) * (full / (ends[2 * number + 1] - ends[2 * number]))
        for number, full in enumerate(ranges)
    )
    return y, cb, cr


def _numbers(values: tuple[Any, ...], count: int) -> list[float]:
    """Return the numbers in a tag, which are integers or fractions."""
    numbers = [float(value) for value in values]
    if len(numbers) == 2 * count:
        numbers = [top / below for top, below in zip(numbers[::2], numbers[1::2], strict=True)]
    if len(numbers) != count:
        raise ValueError(f"a tag of its YCbCr colours has {len(numbers)} numbers, not {count}")
    return numbers
