"""Read the options of `napari-sr upscale` that say how many times larger the result is."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from napari_sr.cli.model import CommandError
from napari_sr.graph.factor import factor_in, fraction_in
from napari_sr.runs.factor import factor_for
from napari_sr.runs.typed_number import unclear, with_point

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sr.files.lazy_image import Axis
    from napari_sr.graph.factor import Factor

_SIZE = re.compile(r"\s*([0-9.,]+(?:[eE][+-]?[0-9]+)?)\s*(.*?)\s*")
ALIKE = Fraction(1, 10_000)
"""Largest relative difference of pixel sizes along X and Y that count as equal."""


def read_factor(
    scale: str | None, pixel_size: str | None, source: Path, axes: str | None
) -> Factor | None:
    """Return the enlargement that the user asked for, or None.

    Parameters
    ----------
    scale : str, optional
        A number such as 2, 2.5 or 13/12.
    pixel_size : str, optional
        The wanted pixel size, such as 0.1 (in the unit of the file) or 0.1um.
    source : Path
        The image.
    axes : str, optional
        One letter per axis, in stored order.

    Raises
    ------
    CommandError
        If both are given, or one of them is wrong, or the file names no pixel size.
    ValueError, OSError
        If the file cannot be read.
    """
    if scale is not None and pixel_size is not None:
        raise CommandError(f"give --scale {scale} or --pixel-size {pixel_size}, not both")
    if scale is not None:
        try:
            return factor_in(with_point(scale))
        except ValueError as error:
            raise CommandError(f"--scale: {error}") from None
    return None if pixel_size is None else _for_size(pixel_size, source, axes)


def _for_size(text: str, source: Path, axes: str | None) -> Factor:
    from napari_sr.files.lazy import open_lazy

    if source.is_dir() and source.suffix.lower() != ".zarr":
        raise CommandError(
            f"--pixel-size needs one image, because pixels of the images in {source} may have "
            "different sizes: give --scale"
        )
    image = open_lazy(source, None if axes is None else axes.upper())
    size, unit = _size_of(image.places, source)
    return factor_for(float(size), float(_wanted(text, unit, source)), unit)


def _size_of(places: Mapping[str, Axis], source: Path) -> tuple[Fraction, str]:
    """Return the side of the pixels of an image, and its unit."""
    if not {"Y", "X"} <= places.keys() or not min(abs(places[one].size) for one in "YX") > 0:
        raise CommandError(f"{source} names no size of its pixels: give --scale")
    down, across = (Fraction(repr(float(abs(places[one].size)))) for one in "YX")
    if abs(down - across) > ALIKE * across or places["Y"].unit != places["X"].unit:
        raise CommandError(
            f"--pixel-size needs square pixels, but those of {source} are "
            f"{float(across):g} {places['X'].unit} wide and {float(down):g} {places['Y'].unit} "
            "high: give --scale"
        )
    return across, places["X"].unit


def _wanted(text: str, unit: str, source: Path) -> Fraction:
    """Return the wanted size in the unit of the file."""
    from napari_sr.files.units import METRES, unit_of

    found = _SIZE.fullmatch(text)
    try:
        size = fraction_in(with_point(found[1])) if found else None
    except ValueError:
        size = None
    named = unit_of(found[2]) if found else ""
    if found and (reason := unclear(found[1])):
        raise CommandError(f"--pixel-size: {reason}")
    if size is None or found is None or (found[2] and named not in METRES):
        raise CommandError(f"--pixel-size must be a size such as 0.1 or 0.1um, got {text!r}")
    if not found[2] or named == unit:
        return size
    if unit not in METRES:
        told = f"sizes in {unit}" if unit else "sizes without a unit"
        raise CommandError(f"{source} has {told}: give --pixel-size without a unit, got {text!r}")
    own, other = (Fraction(repr(METRES[one])) for one in (unit, named))
    return size * other / own
