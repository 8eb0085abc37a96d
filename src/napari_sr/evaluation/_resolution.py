"""Measure how fine the repeatable detail of a source and of its result is.

Symbols: H x W pixels, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_sr.evaluation._decorrelation import decorrelation
from napari_sr.evaluation._error_map import error_map
from napari_sr.evaluation._frc import Agreement, frc
from napari_sr.evaluation._single_frc import single_frc
from napari_sr.evaluation.repeatable import is_opposed, judged
from napari_sr.evaluation.resolution_figures import Figure, Resolution
from napari_sr.evaluation.resolution_images import Camera, Images
from napari_sr.evaluation.split_photons import split_photons
from napari_sr.runs.run import drive

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from napari_sr.evaluation._error_map import ErrorMap

CHECKERBOARD, CALIBRATED, PHOTONS, EXPOSURES, DECORRELATION, RSP, RSE = (
    "FRC, checkerboard", "FRC, calibrated checkerboard", "FRC, split photons", "FRC, two exposures",
    "decorrelation", "RSP, 1 if equal", "RSE, in values",
)  # fmt: skip
"""Names of the figures."""
ALIASED = 1.1
"""From a checkerboard, periods below this multiple of its finest period are not reported: they may
be aliases of finer detail. Without this limit, figures are up to 30 % too coarse."""
FEW = "there is less noise than photons cause: gain or offset is wrong, or the image was processed"
SATURATED, FEW_LEVELS = 0.01, 16
"""An image counts as saturated if at least this share of its pixels has the largest value, unless
its values span at most FEW_LEVELS: with single photons, such shares are normal."""
UNSEEN = "nothing stands out from noise, or detail is as fine as the pixels"
SHARED = "neighbouring pixels of a result share noise, so it cannot be split"
UNSPLIT = "photons of another colour cannot be split, and a network needs all colours"
UNPAIRED = "the result of the second exposure is missing"


def resolution(
    source: ArrayLike,
    result: ArrayLike | None = None,
    *,
    second: ArrayLike | None = None,
    second_result: ArrayLike | None = None,
    gain: float | None = None,
    offset: float = 0.0,
    read_noise: float = 0.0,
    again: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
    pixel_size: float = 1.0,
    unit: str = "px",
) -> Resolution:
    """Measure the resolution of a source and of its result, in every way that the data allow.

    A figure says which detail is repeatable, not whether it is true.

    Parameters
    ----------
    source : array, (H, W), (H, W, 3) or (H, W, 4)
        Grey, RGB or RGBA, any integers or floats; colours are measured as luma, without alpha.
    result : array, (S * H, S * W) or with colours, optional
        The upscaled source.
    second, second_result : array, optional
        A second exposure of the same field of view, and its result.
    gain, offset, read_noise : float
        Properties of the camera, for splitting photons; see `single_frc`. Without a gain, photons
        are not split.
    again : callable, optional
        Upscales an image with the source's shape and range of values, in the same way as the result
        was made. If a gain is given, it is called for both halves of the photons.
    pixel_size : float
        The side of a pixel of the source.
    unit : str
        Unit of `pixel_size`.

    Returns
    -------
    Resolution
        Figures, and sentences about figures that cannot be measured.

    Raises
    ------
    ValueError
        If shapes do not fit, an image is smaller than 64 x 64 px or constant, or has values that
        are not finite, two exposures are the same, or a parameter is out of range.
    """
    images = Images.of(source, result, second, second_result)
    camera = Camera(gain, offset, read_noise)
    return drive(resolution_steps(images, camera, again, pixel_size, unit))


def resolution_steps(
    images: Images,
    camera: Camera,
    again: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
    pixel_size: float = 1.0,
    unit: str = "px",
) -> Generator[str, None, Resolution]:
    """Do the same as `resolution`; before each computation, yield its description."""
    found = Resolution(unit=unit)
    if images.colour:
        found.notes.append("a colour camera interpolates its pixels, so neighbours share noise")
    found.notes += _saturation(images.source)
    shared = "" if images.result is None else SHARED
    yield "Correlating a checkerboard …"
    board = single_frc(images.source, pixel_size=pixel_size)
    _add(found, CHECKERBOARD, board, None, shared)
    diagonals = single_frc(images.source, "diagonals", pixel_size=pixel_size)
    _add(found, CALIBRATED, diagonals, None, shared)
    found.curves = {"source": board}
    if camera.gain is not None:
        for split in (yield from split_photons(images, camera, again, pixel_size)):
            name = f"{PHOTONS}, {split.colour}" if split.colour else PHOTONS
            if split.source is None:  # go on: other figures need no camera settings
                found.rows.append(Figure(name, unit, None, None, (split.reason,)))
            else:
                missing = shared if again is None else UNSPLIT
                _add(found, name, split.source, split.result, missing if shared else "")
    if images.second is not None:
        yield "Correlating two exposures …"
        own = frc(images.source, images.second, pixel_size=pixel_size)
        larger = None
        if images.result is not None and images.second_result is not None:
            larger = frc(images.result, images.second_result, pixel_size=pixel_size / images.scale)
        _add(found, EXPOSURES, own, larger, "" if images.result is None else UNPAIRED)
    yield "Finding where detail ends …"
    found.rows.append(_of_each(images, pixel_size, unit))
    if images.result is not None:
        yield "Comparing the result with its source …"
        _add_errors(found, error_map(images.source, images.result))
    return found


def _of_each(images: Images, pixel_size: float, unit: str) -> Figure:
    """Return the row of decorrelation, which is measured for each image separately."""
    own = decorrelation(images.source, pixel_size=pixel_size).resolution
    notes = [f"source: {UNSEEN}"] * math.isinf(own)
    larger = None
    if images.result is not None:
        fine = pixel_size / images.scale
        larger = decorrelation(images.result, pixel_size=fine).resolution
        notes += [f"result: {UNSEEN}"] * math.isinf(larger)
        notes += ["result: finer than two pixels of the source, so the model made it"] * (
            larger < 2 * pixel_size
        )
    return Figure(DECORRELATION, unit, own, larger, tuple(notes))


def _add_errors(found: Resolution, errors: ErrorMap) -> None:
    """Add the rows that compare a result with its source."""
    notes = ["the contrast of the result is reversed"] * (errors.rsp < 0)
    notes += [f"the blur of {errors.blur:.3g} px of the result is at its limit"] * errors.is_widest
    found.rows.append(Figure(RSP, "", None, errors.rsp, tuple(notes)))
    found.rows.append(Figure(RSE, "", None, errors.rse))
    found.errors = errors


def _saturation(source: NDArray[Any]) -> list[str]:
    """Return a sentence if many pixels have the largest value."""
    share = float((source == source.max()).mean())
    if share < SATURATED or float(source.max()) - float(source.min()) <= FEW_LEVELS:
        return []
    return [
        f"{share:.1%} of the source's pixels have its largest value: saturation makes edges "
        "sharper than in the sample, so figures are too fine"
    ]


def _add(
    found: Resolution, name: str, own: Agreement, larger: Agreement | None, missing: str
) -> None:
    """Add a row, and keep its curves instead of those of earlier rows."""
    value, reason = _of_source(name, own, found.unit)
    other, why = (
        (None, missing) if larger is None else judged(larger, own.frequencies[-1], found.unit)
    )
    pairs = (("source", reason), ("result", why))
    notes = tuple(f"{whose}: {told}" for whose, told in pairs if told)
    found.rows.append(Figure(name, found.unit, value, other, notes))
    found.curves = {"source": own} | ({} if larger is None else {"result": larger})


def _of_source(name: str, found: Agreement, unit: str) -> tuple[float | None, str]:
    """Return the figure of a source, and what limits it; this depends on the way of splitting."""
    if name.startswith(PHOTONS) and is_opposed(found):
        return None, FEW
    value, note = judged(found, unit=unit)
    finest = ALIASED / found.frequencies[-1]
    if name == CHECKERBOARD and value is not None and value < finest:
        return None, f"detail is finer than {finest:.3g} {unit}"
    if name.startswith(PHOTONS) and value is None:
        note += ", for instance because the gain is too small"
    return value, note
