"""The images whose resolution is measured: a source, its result, and a second pair of both.

Symbols: H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import pixels_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.image.sample import check_extent
from napari_sr.evaluation._frc import centred_grey
from napari_sr.layers.bt601 import TO_YCBCR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_SIDE = 64
"""Smallest side of a source that can be measured, in pixels."""
MOST_SIDE = 2048
"""Largest side of the measured part, in pixels of the larger image. Fourier transforms of larger
parts would need gigabytes, and hardly improve a mean over so many pixels."""
_LUMA = np.array(TO_YCBCR[0]) / sum(TO_YCBCR[0])


@dataclass(frozen=True)
class Camera:
    """The properties of a camera that are needed to count photons."""

    gain: float | None = None
    """Pixel values per photon; None if it is unknown."""
    offset: float = 0.0
    """Pixel value without light."""
    read_noise: float = 0.0
    """Standard deviation in photons."""


@dataclass(frozen=True)
class Images:
    """Grey images of the same field of view; colours are converted to luma."""

    source: NDArray[Any]
    """(H, W)."""
    result: NDArray[Any] | None
    """(scale * H, scale * W)."""
    second: NDArray[Any] | None
    """(H, W)."""
    second_result: NDArray[Any] | None
    """(scale * H, scale * W)."""
    scale: int
    """Enlargement; 1 without a result."""
    colours: NDArray[Any] | None
    """The source's colours, (H, W, 3), or None if it is grey."""

    @property
    def colour(self) -> bool:
        """Whether the source has colours."""
        return self.colours is not None

    @classmethod
    def of(
        cls,
        source: ArrayLike,
        result: ArrayLike | None = None,
        second: ArrayLike | None = None,
        second_result: ArrayLike | None = None,
    ) -> Images:
        """Convert colours to luma, and check that the images' shapes match.

        Raises
        ------
        ValueError
            If shapes do not match, two exposures are the same, or an image is constant or has
            values that are not finite.
        """
        own, colours = _grey(source)
        if not own.size:
            raise ValueError(
                f"resolution needs at least {LEAST_SIDE} x {LEAST_SIDE} pixels, got "
                f"{own.shape[0]} x {own.shape[1]}"
            )
        others = [None if one is None else _grey(one)[0] for one in (result, second, second_result)]
        larger, again, larger_again = others
        if larger_again is not None and (again is None or larger is None):
            raise ValueError(
                "the result of a second exposure needs that exposure and the result of the first"
            )
        scale = 1 if larger is None else _scale_of(own.shape, larger.shape)
        _check_pair(own, again)
        _check_pair(larger, larger_again)
        _check_values(source=own, result=larger, second=again, second_result=larger_again)
        return cls(own, larger, again, larger_again, scale, colours)


def _grey(image: ArrayLike) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return an image as (H, W), without alpha, and its colours, (H, W, 3), if it has any."""
    pixels = pixels_of(as_array(image))
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        colours = pixels[..., :3]  # alpha is opacity, not detail
        return colours @ _LUMA, colours
    if pixels.ndim != 2:
        raise ValueError(
            f"resolution needs planes (H, W), (H, W, 3) or (H, W, 4), got {pixels.shape}"
        )
    return pixels, None


def _scale_of(small: tuple[int, ...], large: tuple[int, ...]) -> int:
    scale = large[0] // small[0] if small[0] else 0
    if scale < 1 or large != tuple(scale * size for size in small):
        raise ValueError(
            f"a result needs the source's shape {small}, enlarged a whole number of times, got "
            f"{large}"
        )
    return scale


def _check_pair(first: NDArray[Any] | None, second: NDArray[Any] | None) -> None:
    if first is None or second is None:
        return
    if first.shape != second.shape:
        raise ValueError(f"two exposures need equal shapes, got {first.shape} and {second.shape}")
    if np.array_equal(first, second):
        raise ValueError(
            f"the two exposures, {first.shape}, are the same image: choose another exposure"
        )


def _check_values(**images: NDArray[Any] | None) -> None:
    for name, image in images.items():
        if image is None:
            continue
        try:
            centred_grey(image, "resolution")
            check_extent(float(image.min()), float(image.max()), "resolution")
        except ValueError as error:
            raise ValueError(f"the {name.replace('_', ' ')}: {error}") from None


def middle(height: int, width: int, scale: int) -> tuple[slice, slice]:
    """Return the rows and columns in the middle of a source that are measured.

    Parameters
    ----------
    height, width : int
        The source's size.
    scale : int
        Enlargement factor of its result, or 1.
    """
    most = max(MOST_SIDE // scale, 1)
    rows, columns = (
        slice(max((size - most) // 2, 0), max((size - most) // 2, 0) + min(size, most))
        for size in (height, width)
    )
    return rows, columns


def enlarged(span: slice, scale: int) -> slice:
    """Return rows or columns of a source in pixels of its result."""
    return slice(span.start * scale, span.stop * scale)
