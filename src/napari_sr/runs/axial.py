"""Upscale a stack with a network, and along Z by interpolation or with the network, too."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import psutil

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import FINEST, checked_axial, enlarge_z, enlarged_along_z
from napari_sr.engine.image.guards import check_outliers
from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.files.units import METRES
from napari_sr.graph.factor import in_words
from napari_sr.runs.axial_network import AWAY, along_z, of_stack, within
from napari_sr.runs.run import run_request
from napari_sr.runs.source import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.files.lazy_image import Axis
    from napari_sr.graph.network import Network
    from napari_sr.runs.run import Request

INTERPOLATION, NETWORK = "interpolation", "network"
WAYS = (INTERPOLATION, NETWORK)
"""Ways to enlarge Z."""
CUBES = 0.0
"""An enlargement that stands for the one that makes voxels cubes."""
UNEVEN = 1.05
"""Voxels count as cubes if their sides differ by less than this factor."""


@dataclass(frozen=True)
class Axial:
    """The enlargement along Z."""

    factor: float
    """Planes of the result for each plane of the source."""
    by: str = INTERPOLATION
    """One of `WAYS`."""

    @property
    def record(self) -> dict[str, object]:
        """The entries of a run's record."""
        factor = Fraction(float(self.factor)).limit_denominator(FINEST)  # as it is computed
        return {"axial": float(factor), "axial_by": self.by}

    def check(self) -> None:
        """Raise a ValueError if the way is unknown."""
        if self.by not in WAYS:
            raise ValueError(f"axial_by must be one of {', '.join(WAYS)}, got {self.by!r}")


def upscale_along_z(
    request: Request, axial: Axial, network: Network
) -> Generator[Progress, None, tuple[NDArray[Any], dict[str, object]]]:
    """Run a request, and enlarge its result along Z; yield progress after each tile.

    By interpolation, Y and X are enlarged first. With the network, Z is enlarged first, by the
    network's scale; then Y and X; at the end, interpolation makes up for the rest of the
    enlargement along Z. Integers are rounded only once, at the end.

    Parameters
    ----------
    request : Request
        The request; its image is an array with an axis Z.
    axial : Axial
        The enlargement along Z.
    network : Network
        The request's model, loaded.

    Returns
    -------
    array, dict
        The result, as `napari_sr.upscale` returns it, with `ceil(D * factor)` planes along Z; and
        the record of the run.

    Raises
    ------
    ValueError
        As `checked_axial` and `run_request` do, or if the way is unknown or does not fit.
    OutOfMemoryError
        If the enlarged stack does not fit.
    """
    axial.check()
    layout = layout_of(request.image.shape, request.image.dtype, request.axes)
    factor, asked, image = checked_axial(axial.factor, layout), request.settings, request.image
    check_outliers(asked.outliers, layout.dtype)
    part = layout if request.region is None else layout.resized(request.region.size)
    larger, done, share = part.enlarged(network.factor), 1, 0.0
    if axial.by == NETWORK:
        if request.region is not None:
            raise ValueError("axial_by='network' needs whole planes, without region")
        if network.factor != network.scale:
            raise ValueError(
                f"axial_by='network' needs a scale of the network, {network.scale}, got "
                f"{in_words(network.factor)}"
            )
        done = network.scale
        check_room(larger, factor, bytes_of(enlarged_along_z(larger.as_floats, done)))
        stack = of_stack(image, layout, network, asked)
        share = 2 / (2 + network.scale)  # of all pixels that the network reads
        planes = yield from within(along_z(stack), 0, share)
        request = replace(request, image=planes, settings=stack.after, axes=layout.axes)
    else:
        check_room(larger, factor, bytes_of(larger.as_floats))
    unrounded = replace(request, settings=replace(request.settings, unrounded=True))
    result = yield from within(run_request(unrounded, network), share, 1 - share)
    record: dict[str, Any] = {**result.record, **axial.record, **_source(image, layout)}
    if axial.by == NETWORK:
        record["settings"] = {**record["settings"], **stack.decided}
    at = layout.axes.index("Z")
    return enlarge_z(result.pixels, at, factor / done, layout.dtype), record


def _source(image: Any, layout: Layout) -> dict[str, object]:
    """Return a record's entries about the source."""
    if isinstance(image, Source):
        return image.record
    return {"source_shape": layout.shape, "source_dtype": str(layout.dtype), "axes": layout.axes}


def ratio_of(places: Mapping[str, Axis]) -> float | None:
    """Return the distance of planes as a multiple of the pixel size along X; None if unknown."""
    sizes = []
    for letter in "ZX":
        place = places.get(letter)
        if place is None or not 0 < abs(place.size) < math.inf:
            return None
        sizes.append(abs(place.size) * METRES.get(place.unit, 0))
    if not all(sizes):  # units that are no known lengths can be compared only if they are equal
        if places["Z"].unit != places["X"].unit:
            return None
        sizes = [abs(places[letter].size) for letter in "ZX"]
    return sizes[0] / sizes[1]


def remark_on(ratio: float | None, axial: Axial, scale: float) -> str:
    """Check an enlargement against pixel sizes; return a warning for the user, or "".

    Parameters
    ----------
    ratio : float, optional
        Distance of planes in pixels of the source; None if it is unknown.
    axial : Axial
        The enlargement along Z.
    scale : float
        The enlargement along Y and X.

    Raises
    ------
    ValueError
        If the network shall enlarge Z, although planes are not further apart than pixels.
    """
    if ratio is None:
        return AWAY if axial.by == NETWORK else ""
    if axial.by == NETWORK and ratio < UNEVEN:
        raise ValueError(
            f"a network can only enlarge Z if planes are further apart than pixels, but their "
            f"distance is {ratio:.3g} pixels: enlarge Z by interpolation"
        )
    uneven = ratio * scale / axial.factor
    if 1 / UNEVEN < uneven < UNEVEN:
        return ""
    cubes = f"; {ratio * scale:.4g} would make cubes" if ratio * scale >= 1 else ""
    return (
        f"with Z enlarged {axial.factor:.4g} times, planes are {uneven:.3g} pixels apart, so "
        f"voxels are no cubes{cubes}"
    )


def check_room(layout: Layout, factor: Fraction, more: int = 0) -> None:
    """Check that an enlarged stack fits into memory; some systems kill the program otherwise.

    Parameters
    ----------
    layout : Layout
        Layout of the stack, before it is enlarged along Z.
    factor : Fraction
        The enlargement.
    more : int
        Bytes that are needed beside the result.

    Raises
    ------
    OutOfMemoryError
        If it does not fit.
    """
    planes = layout.shape[layout.axes.index("Z")]
    result = bytes_of(layout) // planes * math.ceil(planes * factor)
    free = psutil.virtual_memory().available
    if result + more > free:
        raise OutOfMemoryError(
            f"the stack, enlarged {float(factor):.4g} times along Z, needs "
            f"{(result + more) / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free: "
            "enlarge a part of it, or less"
        )


def bytes_of(layout: Layout) -> int:
    """Return the number of bytes of an image."""
    return math.prod(layout.shape) * layout.dtype.itemsize
