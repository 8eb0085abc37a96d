"""Fourier ring correlation of a source's photons, split at random, and of both halves' results.

Each colour counts its own photons, so colours are split one by one.
Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.conversion import as_array
from napari_sr.evaluation._frc import Agreement, frc
from napari_sr.evaluation._single_frc import DarkPixelsError, counts_of, single_frc, thinned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import ArrayLike, NDArray

    from napari_sr.evaluation.resolution_images import Camera, Images

    Again = Callable[[NDArray[np.float32]], ArrayLike]

COLOURS = "red", "green", "blue"


@dataclass
class Split:
    """The agreement of both halves of the photons of a source, or of one of its colours."""

    colour: str
    """Name of the colour; "" for a grey source."""
    source: Agreement | None = None
    """None if photons cannot be split."""
    result: Agreement | None = None
    """None if no results of both halves were computed."""
    reason: str = ""
    """Why photons cannot be split."""


def split_photons(
    images: Images, camera: Camera, again: Again | None, pixel_size: float
) -> Generator[str, None, list[Split]]:
    """Correlate the two halves of the photons, and the results of the halves, colour by colour.

    Parameters
    ----------
    images : Images
        The source.
    camera : Camera
        Its gain must be known.
    again : callable, optional
        Upscales an image of the source's shape and values.
    pixel_size : float
        Side of a pixel of the source.

    Yields
    ------
    str
        What is computed next.

    Raises
    ------
    ValueError
        If a parameter of the camera is out of range, or a grey image is constant.
    """
    yield "Splitting photons …"
    planes = {"": images.source}
    if images.colours is not None:
        planes = {name: images.colours[..., at] for at, name in enumerate(COLOURS)}
    options: dict[str, Any] = {
        "gain": camera.gain, "offset": camera.offset, "read_noise": camera.read_noise
    }  # fmt: skip
    found, counts = [Split(name) for name in planes], []
    for split, plane in zip(found, planes.values(), strict=True):
        if split.colour and not np.ptp(plane):
            split.reason = f"{split.colour} is {plane.flat[0]:g} everywhere"
            continue
        try:
            counts.append(counts_of(plane, **options))
            split.source = single_frc(plane, "counts", pixel_size=pixel_size, **options)
        except DarkPixelsError as error:
            split.reason = str(error)
    if again is not None and images.result is not None and len(counts) == len(found):
        larger = yield from _of_halves(counts, camera, again)
        for at, split in enumerate(found):
            pair = (one[..., at] for one in larger)
            split.result = frc(*pair, pixel_size=pixel_size / images.scale)
    return found


def _of_halves(
    counts: list[NDArray[np.int64]], camera: Camera, again: Again
) -> Generator[str, None, list[NDArray[Any]]]:
    """Return the results of both halves, (S * H, S * W, colours)."""
    pairs, results = [next(thinned(one)) for one in counts], []
    for number in range(2):
        yield f"Upscaling half {number + 1} of the photons …"
        # twice the light, so that a network sees the usual brightness
        planes = [
            camera.offset + (camera.gain or 0.0) * (2.0 * pair[number] - camera.read_noise**2)
            for pair in pairs
        ]
        half = np.stack(planes, axis=-1).astype(np.float32)
        result = np.asarray(as_array(again(half if len(planes) > 1 else half[..., 0])))
        results.append(result if len(planes) > 1 else result[..., None])
    return results
