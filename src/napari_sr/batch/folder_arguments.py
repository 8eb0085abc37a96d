"""Plain arguments of a run over a folder, converted to what the run needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from napari_sr.engine.image.conversion import is_number
from napari_sr.files.patterns import read_patterns
from napari_sr.runs.factor import at_scale
from napari_sr.runs.model import ModelReference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.runs.axial import Axial

FILE, PERCENTILES, RANGE = "as the file says", "percentiles", "from black to white"
"""Ways to find the values of black and white."""
USUAL_PERCENTILES = (0.1, 99.9)


def reference_of(
    model: str,
    scale: float | None,
    blend: str | Path | None = None,
    weight: float = 0.5,
    options: Mapping[str, Any] | None = None,
    *,
    then: str | Path | None = None,
    consistent: bool = False,
) -> ModelReference:
    """Return the reference to a model; arguments as for `upscale_folder`."""
    more: dict[str, Any] = {"consistent": consistent}
    if blend is not None:
        more |= {"second": ModelReference.of(blend, None, options), "weight": weight}
    if then is not None:
        more["then"] = ModelReference.of(then)
    return at_scale(ModelReference.of(model, None, options, **more), scale)


def patterns_in(text: str) -> list[str]:
    """Split a text at semicolons into patterns.

    Examples
    --------
    >>> patterns_in("*.tif; *.png;")
    ['*.tif', '*.png']
    """
    return [one.strip() for one in text.split(";") if one.strip()]


def range_of(values: str, black: float, white: float) -> tuple[float, float] | Percentiles | None:
    """Return the value range for `Settings`.

    Parameters
    ----------
    values, black, white
        As for `upscale_folder`.

    Raises
    ------
    ValueError
        If `values` is unknown, or black is not below white.
    """
    if values == FILE:
        return None
    if values == PERCENTILES:
        from napari_sr.engine.image.value_range import Percentiles

        return Percentiles(*USUAL_PERCENTILES)
    if values != RANGE:
        raise ValueError(f"values must be one of {(FILE, PERCENTILES, RANGE)}, got {values!r}")
    if not black < white:
        raise ValueError(f"black must be below white, got black={black:g} and white={white:g}")
    return black, white


def axial_of(axial: float | Literal["cubes"] | None, by: str) -> Axial | None:
    """Return the enlargement along Z; arguments as for `upscale_folder`.

    Raises
    ------
    ValueError
        If the enlargement is no number of at least 1, or the way is unknown.
    """
    if axial is None:
        return None
    from napari_sr.runs.axial import CUBES, Axial  # late: imports torch

    if axial != "cubes" and not is_number(axial, 1):
        raise ValueError(f'axial must be a number of at least 1, or "cubes", got {axial!r}')
    found = Axial(CUBES if axial == "cubes" else float(axial), by)
    found.check()
    return found


def count_images(source: Path, target: Path, pattern: str) -> int:
    """Return the number of images in a folder that match a pattern; see `upscale_folder`.

    Raises
    ------
    ValueError
        If a pattern is empty or leads out of the folder.
    """
    from napari_sr.files.folder import find  # late: imports readers of files

    return len(find(source, read_patterns(patterns_in(pattern)), target).files)
