"""A source and its result, compared part by part.

Symbols: H x W pixels of the source, C colours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.consistency.factor_shrinking import FactorShrinking
from napari_sr.consistency.sampling import windows
from napari_sr.consistency.shrinking import Ends, Shrinking, apply
from napari_sr.consistency.source_part import part_of_array
from napari_sr.engine.image.arrays import layout_of
from napari_sr.graph.factor import bounds, in_words
from napari_sr.zoo.optics import network_scale_for, saw_optics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_sr.consistency.source_part import Spans
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.graph.factor import Factor

RGBA = 4
"""Number of channels of colours with alpha; figures ignore alpha."""
BLURS = tuple(k / 4 for k in range(17))
"""Possible blurs of optics, as standard deviations in pixels of the result."""
FITTED = 4
"""Number of windows in which the blur is fitted."""


@dataclass(frozen=True)
class Pair:
    """A source and its result."""

    source: ArrayLike
    """The part of the source that was upscaled."""
    result: ArrayLike
    layout: Layout
    """Layout of the source."""
    shrinking: Shrinking
    ends: tuple[Ends, Ends] = ((True, True), (True, True))
    """Whether the upscaled part reaches the image's borders: top and bottom, left and right."""
    starts: tuple[int, int] = (0, 0)
    """First row and first column of the upscaled part in the source."""

    def difference(
        self, plane: tuple[int, ...], rows: slice, columns: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shrunk result minus the source, and the source, for a part of a plane.

        Both are (H, W), or (H, W, C). The difference is NaN where it depends on pixels outside the
        part that was upscaled.
        """
        part = np.asarray(self.layout.read(self.source, plane, rows, columns), np.float64)
        return self._shrunk(plane, rows, columns) - part, part

    def without_alpha(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (H, W, C) values without alpha, because opacity is not intensity."""
        return values[..., : RGBA - 1] if self.layout.channels == RGBA else values

    def _shrunk(self, plane: tuple[int, ...], rows: slice, columns: slice) -> NDArray[np.float64]:
        """Return the shrunk result for a part of the source."""
        sizes = sizes_of(self.layout, self.starts, self.shrinking.scale)
        larger = self.layout.resized(sizes)
        methods = self.shrinking.at(self.starts[0]), self.shrinking.at(self.starts[1])
        wanted = [one.reach(span) for one, span in zip(methods, (rows, columns), strict=True)]
        spans = [
            slice(max(span.start, 0), min(span.stop, size))
            for span, size in zip(wanted, sizes, strict=True)
        ]
        pixels = np.asarray(larger.read(self.result, plane, *spans), np.float64)
        for axis, (span, there) in enumerate(zip(wanted, spans, strict=True)):
            missing = there.start - span.start, span.stop - there.stop
            pixels = self.shrinking.extended(pixels, axis, missing, self.ends[axis])
        return apply(pixels, methods, (rows, columns))


def sizes_of(layout: Layout, starts: tuple[int, int], factor: Factor) -> tuple[int, int]:
    """Return height and width of the result of a part of an image.

    Parameters
    ----------
    layout : Layout
        The part.
    starts : (int, int)
        Its first row and first column in the image.
    factor : int or Fraction
        Enlargement of the image.
    """
    spans = [
        bounds(slice(start, start + size), factor)
        for start, size in zip(starts, (layout.height, layout.width), strict=True)
    ]
    return spans[0].stop - spans[0].start, spans[1].stop - spans[1].start


def pair_of(
    source: ArrayLike,
    result: ArrayLike,
    model: str | None = None,
    *,
    scale: Factor | None = None,
    network_scale: int | None = None,
    axes: str | None = None,
    spans: Spans | None = None,
) -> Pair:
    """Pair a source with its result, which is shrunk as the model's training images were.

    Parameters
    ----------
    source, result : array
        NumPy, dask, Zarr or similar.
    model : str, optional
        Name of a known model, the file of your own one, or "optics". For models that were trained
        on images blurred by optics, such as `microscope`, the blur is fitted; otherwise the result
        is shrunk by bicubic interpolation.
    scale : int or Fraction, optional
        Enlargement factor; by default, the whole number that the shapes show.
    network_scale : int, optional
        The larger scale of the network, if its result was shrunk to a factor; by default, the one
        of the model that `napari_sr.upscale` chooses, or the next whole number.
    axes : str, optional
        One letter per axis of the source.
    spans : tuple of (start, stop), optional
        The part of the source that was upscaled, one pair per axis; by default all.

    Raises
    ------
    ValueError
        If the shapes do not fit, the axes are wrong, or there is no such model.
    """
    whole = layout_of(source.shape, source.dtype, axes)
    ends, starts = ((True, True), (True, True)), (0, 0)
    layout = whole
    if spans is not None:
        source = part_of_array(source, spans)
        layout = replace(whole, shape=tuple(source.shape))
        inside = [spans[whole.axes.index(letter)] for letter in "YX"]
        sizes = whole.height, whole.width
        top, left = ((a == 0, b == size) for (a, b), size in zip(inside, sizes, strict=True))
        ends, starts = (top, left), (inside[0][0], inside[1][0])
    factor = _factor_of(layout, starts, tuple(result.shape), scale)
    if network_scale is None and model is not None:
        network_scale = network_scale_for(model, factor)
    method = Shrinking(factor)
    if not isinstance(factor, int) or network_scale not in (None, factor):
        method = FactorShrinking(factor, network_scale=network_scale or 0)
    pair = Pair(source, result, layout, method, ends, starts)
    own = network_scale or (factor if isinstance(factor, int) else None)
    optical = model is not None and saw_optics(model, own)
    return _fitted(pair) if optical else pair


def _factor_of(
    layout: Layout, starts: tuple[int, int], shape: tuple[int, ...], scale: Factor | None
) -> Factor:
    """Return the enlargement factor, after checking it against both shapes."""
    along = layout.axes.index("Y")
    found = shape[along] // layout.height if len(shape) == len(layout.shape) else 0
    wanted = found if scale is None else scale
    if wanted < 1 or layout.resized(sizes_of(layout, starts, wanted)).shape != shape:
        times = "a whole number of times" if scale is None else f"{in_words(wanted)} times"
        hint = "; for another factor, give it as the scale" if scale is None else ""
        raise ValueError(
            f"a result needs the source's shape {layout.shape}, enlarged along Y and X {times}, "
            f"got {shape}{hint}"
        )
    return wanted


def _fitted(pair: Pair) -> Pair:
    """Return the pair with the blur that fits best in some windows, searched coarse to fine."""
    places = list(windows(pair.layout, FITTED))
    known: dict[float, float] = {}
    best = BLURS[0]
    for step in (4, 2, 1):
        near = BLURS[::step] if step == 4 else (best - step / 4, best + step / 4)
        for blur in set(near) & set(BLURS):
            tried = replace(pair, shrinking=replace(pair.shrinking, blur=blur))
            known[blur] = _squares(tried, places)
        best = min(known, key=lambda blur: (known[blur], blur))
    return replace(pair, shrinking=replace(pair.shrinking, blur=best))


def _squares(pair: Pair, places: list[Any]) -> float:
    """Return the mean squared difference in some windows; infinity if no pixel is known."""
    parts = [pair.without_alpha(pair.difference(*place)[0]) for place in places]
    found = np.concatenate([part.ravel() for part in parts])
    finite = found[np.isfinite(found)]
    return float((finite**2).mean()) if finite.size else float("inf")
