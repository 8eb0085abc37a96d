"""The slices of a DICOM series: their files, frames, order and positions.

Names such as PixelSpacing are DICOM's (https://dicom.nema.org/medical/dicom/current/output/html/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.files.image import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Directions along rows and columns of a slice whose axes are parallel to the world's axes."""
EQUAL = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "PixelRepresentation",
)  # fmt: skip
"""DICOM elements that must be equal in all slices."""


@dataclass(frozen=True)
class Slice:
    """A slice: one file, or one frame of a file."""

    path: Path
    frame: int | None
    """Number of the frame; None if the file has only one."""
    position: tuple[float, float, float] | None
    """Position of the centre of the first pixel, in mm."""
    slope: float
    intercept: float


def slices_of(header: Any, path: Path) -> list[Slice]:
    """Return the slices of a file in stored order.

    Parameters
    ----------
    header : pydicom.Dataset
        The file without its pixels.
    path : Path
        The file.
    """
    frames = int(header.get("NumberOfFrames") or 1)
    values = "PixelValueTransformationSequence"
    return [
        Slice(
            path,
            number if frames > 1 else None,
            _position(header, number, frames),
            float(_value(header, number, values, "RescaleSlope", 1.0)),
            float(_value(header, number, values, "RescaleIntercept", 0.0)),
        )
        for number in range(frames)
    ]


def _position(header: Any, frame: int, frames: int) -> tuple[float, float, float] | None:
    found = _value(header, frame, "PlanePositionSequence", "ImagePositionPatient", None)
    if found is None:
        return None
    place = np.array(found, np.float64)
    if frames > 1 and not header.get("PerFrameFunctionalGroupsSequence"):
        # this is the first frame's position; RT Dose files list the offsets of all frames
        offsets, orientation = header.get("GridFrameOffsetVector"), orientation_of(header)
        if not offsets or orientation is None:
            return None
        place += float(offsets[frame]) * np.cross(orientation[:3], orientation[3:])
    return float(place[0]), float(place[1]), float(place[2])


def orientation_of(header: Any) -> tuple[float, ...] | None:
    """Return the directions of rows and columns, six numbers, or None."""
    found = _value(header, 0, "PlaneOrientationSequence", "ImageOrientationPatient", None)
    return None if found is None else tuple(map(float, found))


def spacing_of(header: Any) -> tuple[float, float] | None:
    """Return the distances between rows and between columns, in mm, or None."""
    found = _value(header, 0, "PixelMeasuresSequence", "PixelSpacing", None)
    found = header.get("ImagerPixelSpacing") if found is None else found
    return None if found is None else (float(found[0]), float(found[1]))


def thickness_of(header: Any) -> float | None:
    """Return the distance between slices that a file states, in mm, or None."""
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        found = _value(header, 0, "PixelMeasuresSequence", name, None)
        if found:
            return abs(float(found))
    return None


def _value(header: Any, frame: int, sequence: str, name: str, usual: Any) -> Any:
    """Return a value from the metadata of the frame, or else of all frames, or else of the file."""
    places = [header]
    shared = header.get("SharedFunctionalGroupsSequence")
    each = header.get("PerFrameFunctionalGroupsSequence")
    places += [shared[0]] if shared else []
    places += [each[frame]] if each and frame < len(each) else []
    for place in reversed(places):
        inner = place.get(sequence) if place is not header else [header]
        if inner and inner[0].get(name) not in (None, ""):
            return inner[0].get(name)
    return usual


def check_one_series(headers: Sequence[Any], path: Path) -> None:
    """Check that all files belong to one series, and have slices of one size and kind.

    Raises
    ------
    FileError
        If there are several series, or slices of different size or kind.
    """
    series = {str(one.get("SeriesInstanceUID")): one for one in headers}
    if len(series) > 1:
        told = [str(one.get("SeriesDescription") or uid) for uid, one in series.items()]
        some = ", ".join(map(repr, sorted(told)[:4])) + ", ..." * (len(told) > 4)
        raise FileError(
            f"{path} holds {len(series)} DICOM series ({some}): give a folder that holds one"
        )
    for name in EQUAL:
        values = {str(one.get(name)) for one in headers}
        if len(values) > 1:
            told = sorted(values)[:4]
            raise FileError(f"{path}: its slices differ in {name} ({', '.join(told)})")
    turned = {np.round(orientation_of(one) or (), 3).tobytes() for one in headers}
    if len(turned) > 1:
        raise FileError(f"{path}: its slices differ in their orientation")


def in_order(
    slices: Sequence[Slice], orientation: Sequence[float] | None, path: Path
) -> tuple[list[Slice], NDArray[np.float64] | None]:
    """Sort slices along the normal of their planes; return the slices and their positions in mm.

    If the files have no positions, slices keep their order, and the second value is None.

    Raises
    ------
    FileError
        If several slices have the same position, such as those of several times or echoes.
    """
    if len(slices) < 2 or orientation is None or any(one.position is None for one in slices):
        return list(slices), None
    normal = np.cross(orientation[:3], orientation[3:])
    depths = np.array([float(np.dot(normal, one.position or ())) for one in slices])
    order = np.argsort(depths, kind="stable")
    steps = np.diff(depths[order])
    if (steps < 1e-3).any():
        raise FileError(
            f"{path} holds several slices at one position, such as those of several times: give a "
            "folder with one slice at each position"
        )
    return [slices[number] for number in order], depths[order]


def uneven(depths: NDArray[np.float64]) -> Iterator[str]:
    """Yield a note if the distances between slices differ."""
    steps = np.diff(depths)
    if steps.max() > 1.01 * steps.min():
        yield (
            f"its slices are {steps.min():.4g} to {steps.max():.4g} mm apart: the median, "
            f"{np.median(steps):.4g} mm, is used for all"
        )
