"""Upscale a part of an image in a file: a plane, or a rectangle of each plane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.region import checked_region
from napari_sr.files.lazy_image import LazyImage, without_windows
from napari_sr.graph.factor import first_edge, in_words, number_of
from napari_sr.runs.consistency import with_consistency
from napari_sr.runs.file_range import with_range
from napari_sr.runs.file_record import file_record
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import RecordError, for_file
from napari_sr.runs.run import Request, run_request
from napari_sr.zoo.provenance import FACTOR

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Part:
    """A part of an image."""

    image: LazyImage
    """The whole image."""
    pixels: ArrayLike
    """All planes, or a single one with leading axes of length 1."""
    plane: tuple[int, ...] | None = None
    """Index of the single plane on the leading axes."""
    region: Region | None = None
    """Rows and columns of each plane; None for all."""

    def enlarged(
        self,
        pixels: ArrayLike,
        factor: Factor,
        model: str,
        record: Mapping[str, Any],
        axial: float = 1,
    ) -> LazyImage:
        """Return the result as an image with its position, and its record in the form for files.

        Parameters
        ----------
        pixels : array
            The enlarged pixels of the part.
        factor : int or Fraction
            Enlargement along Y and X.
        model : str
            Name of the model, which is added to the image's name.
        record : mapping
            Record of the run.
        axial : float
            Enlargement along Z.
        """
        image = self.image
        spans = None if self.region is None else self.region.spans
        kept = for_file({**record, "plane": self.plane, "region": spans})
        model = f"{model}, shrunk to x{in_words(factor)}" if FACTOR in record else model
        name = f"{image.name} [{model}]" if image.name else model
        at = replace(image, places=self._places(factor))
        places = at.enlarged_places(number_of(factor), axial)
        return LazyImage(
            pixels, image.axes, {}, places, image.channels, name, record=kept,
            details=self._details(axial),
        )  # fmt: skip

    def _details(self, axial: float) -> dict[str, Any]:
        """Return the facts of OME that hold for the result, too.

        Facts of planes, such as exposure and position, hold if all planes are enlarged whole.
        """
        known = ["Description", "AcquisitionDate"]
        if self.plane is None:
            known.append("Channel")
            if self.region is None and axial == 1:
                known.append("Plane")
        return {key: self.image.details[key] for key in known if key in self.image.details}

    def _places(self, factor: Factor) -> dict[str, Any]:
        """Return pixel sizes of the image, and origins of the part that is enlarged."""
        starts: dict[str, float] = dict(zip(self.image.axes, self.plane or (), strict=False))
        if self.region is not None:
            starts |= {"Y": first_edge(self.region.rows.start, factor)}
            starts |= {"X": first_edge(self.region.columns.start, factor)}
        return {
            letter: replace(axis, origin=axis.origin + starts.get(letter, 0) * axis.size)
            for letter, axis in self.image.places.items()
        }


def part_of(image: LazyImage, plane: tuple[int, ...] | None, region: object) -> Part:
    """Return a part of an image. A single plane is read; otherwise, no pixel is read.

    Parameters
    ----------
    image : LazyImage
        The image.
    plane : tuple of int, optional
        Index of a single plane on the leading axes.
    region : Region or ((top, bottom), (left, right)), optional
        First row, the row after the last, and the same for columns, in pixels of the image.

    Raises
    ------
    RecordError
        If the image has no such plane.
    ValueError
        If the region is empty or reaches beyond the image.
    """
    pixels = _plane(image, plane)
    layout = layout_of(pixels.shape, pixels.dtype, image.axes)
    rectangle = None if region is None else checked_region(region, layout)
    return Part(image, pixels, plane, rectangle)


def _plane(image: LazyImage, plane: tuple[int, ...] | None) -> ArrayLike:
    """Return the pixels of a single plane, with leading axes of length 1; or all pixels."""
    if plane is None:
        return image.pixels
    leading = image.axes.removesuffix("S")[:-2]
    shape = tuple(image.pixels.shape[: len(leading)])
    trailing = image.axes.removesuffix("S").endswith("YX")
    inside = all(0 <= at < size for at, size in zip(plane, shape, strict=False))
    if len(plane) != len(shape) or not trailing or not inside:
        raise RecordError(
            f"the record names the plane {plane} on the axes before Y and X, but the image has no "
            f"such plane: its axes are {image.axes}, of shape {tuple(image.pixels.shape)}"
        )
    part: ArrayLike = image.pixels[tuple(slice(at, at + 1) for at in plane)]
    return part


def upscale_part(
    part: Part, path: Path, network: Network, asked: Settings, axes: str | None = None
) -> Generator[Progress, None, LazyImage]:
    """Upscale a part of the image in a file; yield progress after every tile.

    Parameters
    ----------
    part : Part
        The part of the file's image.
    path : Path
        The file.
    network : Network
        The model, loaded.
    asked : Settings
        Settings as the user chose them. A declared value range is in the file's stored values.
    axes : str, optional
        The axes that the user named, in stored order.

    Returns
    -------
    LazyImage
        The result, with its position and its record.

    Raises
    ------
    ValueError
        If the image or a setting is wrong.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    return (yield from _upscale(part, path, network, asked, axes))[0]


def upscale_with_spread(
    part: Part, path: Path, network: Network, asked: Settings, axes: str | None = None
) -> Generator[Progress, None, tuple[LazyImage, LazyImage]]:
    """Do the same as `upscale_part` with an ensemble; return the result and its spread.

    The spread is the standard deviation over the ensemble's views. It has no record, because
    records serve to repeat results.
    """
    wide = replace(asked, ensemble=True, spread=True)
    result, spread = yield from _upscale(part, path, network, wide, axes)
    return result, as_spread(result, spread)


def as_spread(result: LazyImage, pixels: Any) -> LazyImage:
    """Return the spread of a result as an image at its place, without a record."""
    name = f"{result.name.removesuffix(']')}, spread of 8 views]"
    channels = without_windows(result.channels)
    return replace(result, pixels=pixels, channels=channels, name=name, record=None)


def _upscale(
    part: Part, path: Path, network: Network, asked: Settings, axes: str | None
) -> Generator[Progress, None, tuple[LazyImage, Any]]:
    """Return the result with its position, and the pixels of its spread or None."""
    settings = with_range(part.image, asked)[0]
    request = Request(part.pixels, ModelReference(network), settings, part.image.axes, part.region)
    result = yield from run_request(request, network)
    record = file_record(result.record, path, part.image, asked, axes)
    pixels = within_bits(result.pixels, part.image)
    record = with_consistency(record, part.pixels, pixels, part.image.axes)
    return part.enlarged(pixels, network.factor, record["model"], record), result.spread


def within_bits(pixels: NDArray[Any], image: LazyImage) -> NDArray[Any]:
    """Return enlarged pixels; values above white, which the file's bits define, become white."""
    if image.significant_bits is None or pixels.dtype.kind == "f":
        return pixels  # floats are in another unit
    white: NDArray[Any] = np.array(image.white, pixels.dtype)
    return np.asarray(np.minimum(pixels, white))
