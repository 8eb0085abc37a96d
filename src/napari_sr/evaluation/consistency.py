"""Consistency of a result with its source: what differs if the result is shrunk again.

A network may invent detail, but a result that is shrunk as the training images were has to give the
source again. Where it does not, the result claims what the source does not show. The reverse does
not hold: detail that vanishes when it is shrunk may be invented all the same.

Letters: H x W pixels of the source, S scale.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.advice.advise import is_noisy
from napari_sr.advice.noise import Noise, noise_of
from napari_sr.advice.sample import sample_of
from napari_sr.advice.traits import traits_of
from napari_sr.engine.image.arrays import Layout, layout_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.runs.record import is_known
from napari_sr.runs.run import drive
from napari_sr.zoo import registry

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import ArrayLike

OPTICAL = ("microscope",)
"""Families of models that were trained on images blurred by optics and binned by a camera; all
others were trained on images shrunk by bicubic interpolation."""
BLURS = tuple(np.arange(0.0, 4.01, 0.25))
"""Blurs that are tried for optics, as standard deviations in pixels of the result."""
SIDE = 512
"""Side of the parts of a plane that are compared at a time, in pixels of the source."""
MOST_VALUES = 1_000_000
"""Number of differences from which percentiles are taken."""


@dataclass(frozen=True)
class Check:
    """What a result says that its source does not show."""

    map: Any
    """The shrunk result minus the source, with the axes and shape of the source: a dask array,
    whose chunks are computed when they are read, or a NumPy array."""
    unit: str
    """"values" of the source; or "noise", if the map is divided by the source's noise: beyond 3,
    noise does not explain it."""
    noise: Noise
    """The noise of the source."""
    rms: float
    """Root mean square of the difference, in values of the source."""
    p99: float
    """The 99th percentile of its absolute value, in values of the source."""
    bias: float
    """Its mean, in values of the source: above 0, the result is brighter."""
    unexplained: float
    """Share of pixels beyond 3 times the noise; about 0.003 if noise is all."""

    def in_words(self) -> str:
        """Return the figures in one sentence."""
        noise = f"; {self.unexplained:.2%} of the pixels beyond 3 times the noise"
        return (
            f"The shrunk result differs from the source by {self.rms:.3g} (RMS), "
            f"{self.p99:.3g} at most in 99 % of the pixels, {self.bias:+.2g} on average"
            f"{noise if self.unit == 'noise' else ''}."
        )


def check(
    source: ArrayLike,
    result: ArrayLike,
    model: str | None = None,
    *,
    scale: int | None = None,
    axes: str | None = None,
) -> Check:
    """Compare a result with its source, by shrinking it as the model's training images were.

    Results of `microscope` are blurred and binned instead; the blur is the one that fits best.

    Parameters
    ----------
    source : array
        NumPy, dask, Zarr or similar.
    result : array
        The upscaled source, with the same axes. Both are read part by part.
    model : str, optional
        Name of the model, which decides how the result is shrunk; by default by bicubic
        interpolation.
    scale : int, optional
        Enlargement; by default from the shapes.
    axes : str, optional
        One letter per axis, as for `napari_sr.upscale`.

    Returns
    -------
    Check
        A map of differences, and figures.

    Raises
    ------
    ValueError
        If the shapes do not fit, the axes are wrong, or the source is smaller than 24 x 24 pixels.
    """
    return drive(check_steps(source, result, model, scale=scale, axes=axes))


def check_steps(
    source: ArrayLike,
    result: ArrayLike,
    model: str | None = None,
    *,
    scale: int | None = None,
    axes: str | None = None,
    most_in_memory: int = 0,
) -> Generator[tuple[int, int], None, Check]:
    """Do the same as `check`; yield the number of parts that are done, and of all parts.

    A map of at most `most_in_memory` bytes is a NumPy array, computed along with the figures.
    """
    source, result = as_array(source), as_array(result)
    layout = layout_of(source.shape, source.dtype, axes)
    factor = _scale_of(layout, tuple(result.shape), scale)
    pair = _Pair(source, result, layout, factor)
    optical = model is not None and registry.find(model, factor).family in OPTICAL
    pair = _fitted(pair) if optical else pair
    sample = sample_of(source, axes)
    traits = traits_of(sample)
    noise = noise_of(sample.windows, traits.used[1] - traits.used[0])
    unit = noise if is_noisy(traits) else None
    fits = 4 * math.prod(layout.shape) <= most_in_memory
    shown: Any = np.empty(layout.shape, np.float32) if fits else _lazy(pair, unit)
    figures = yield from _figures(pair, noise, unit, shown if fits else None)
    return Check(shown, "values" if unit is None else "noise", noise, *figures)


def _scale_of(layout: Layout, shape: tuple[int, ...], scale: int | None) -> int:
    """Return the enlargement, checked against both shapes."""
    along = layout.axes.index("Y")
    found = shape[along] // layout.height if len(shape) == len(layout.shape) else 0
    wanted = found if scale is None else scale
    if wanted < 1 or layout.enlarged(wanted).shape != shape:
        raise ValueError(
            f"a result needs the source's shape {layout.shape}, enlarged along Y and X "
            f"{'a whole number of times' if scale is None else f'{scale} times'}, got {shape}"
        )
    return wanted


@dataclass(frozen=True)
class _Pair:
    """A source and its result."""

    source: ArrayLike
    result: ArrayLike
    layout: Layout
    """Layout of the source."""
    scale: int
    blur: float | None = None
    """Blur of the optics in pixels of the result, before binning; None for bicubic shrinking."""

    def difference(
        self, plane: tuple[int, ...], rows: slice, columns: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shrunk result minus the source, and the source, in a part of a plane.

        Both are (H, W), or (H, W, samples).
        """
        part = np.asarray(self.layout.read(self.source, plane, rows, columns), np.float64)
        margin = 3 + round(4 * (self.blur or 0) / self.scale)
        outer = [
            slice(max(span.start - margin, 0), min(span.stop + margin, size))
            for span, size in ((rows, self.layout.height), (columns, self.layout.width))
        ]
        larger = (slice(span.start * self.scale, span.stop * self.scale) for span in outer)
        pixels = self.layout.enlarged(self.scale).read(self.result, plane, *larger)
        shrunk = self._shrunk(np.asarray(pixels, np.float64))
        inner = (
            slice(span.start - around.start, span.stop - around.start)
            for span, around in zip((rows, columns), outer, strict=True)
        )
        return shrunk[tuple(inner)] - part, part

    def _shrunk(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a part of the result as the source would have seen it."""
        # imported here, so that the form that uses this opens at once
        if self.blur is None:
            from napari_sr.evaluation._imresize import imresize

            return imresize(pixels, Fraction(1, self.scale))
        from scipy.ndimage import gaussian_filter

        sigma = (self.blur, self.blur, *([0.0] * (pixels.ndim - 2)))
        blurred = gaussian_filter(pixels, sigma, mode="nearest") if self.blur else pixels
        height, width = (size // self.scale for size in pixels.shape[:2])
        cells = blurred.reshape(height, self.scale, width, self.scale, *pixels.shape[2:])
        found: NDArray[np.float64] = cells.mean(axis=(1, 3))
        return found

    def parts(self) -> list[tuple[tuple[int, ...], slice, slice]]:
        """Return plane, rows and columns of the parts that are compared one after the other."""
        sides = _spans(self.layout.height), _spans(self.layout.width)
        return list(itertools.product(self.layout.planes(), *sides))


def _fitted(pair: _Pair) -> _Pair:
    """Return the pair with the blur that explains the middle of its first plane best."""
    spans = [
        slice(max(size // 2 - SIDE // 2, 0), min(size // 2 + SIDE // 2, size))
        for size in (pair.layout.height, pair.layout.width)
    ]
    plane = next(pair.layout.planes())
    tried = [replace(pair, blur=float(blur)) for blur in BLURS]
    return min(tried, key=lambda one: float(np.nanmean(one.difference(plane, *spans)[0] ** 2)))


def _figures(
    pair: _Pair, noise: Noise, unit: Noise | None, shown: NDArray[np.float32] | None
) -> Generator[tuple[int, int], None, tuple[float, float, float, float]]:
    """Return RMS, 99th percentile, mean, and the share beyond 3 times the noise; fill the map."""
    parts = pair.parts()
    most = MOST_VALUES // len(parts) + 1
    squares, total, beyond, count, kept = 0.0, 0.0, 0, 0, []
    for done, place in enumerate(parts):
        yield done, len(parts)
        found, seen = pair.difference(*place)
        if shown is not None:
            pair.layout.write(shown, *place, _in_unit(found, seen, unit))
        finite = np.isfinite(found)
        values = found[finite]
        beyond += int(np.count_nonzero(np.abs(values) > 3 * noise.at(seen[finite])))
        squares, total = squares + float((values**2).sum()), total + float(values.sum())
        count += values.size
        kept.append(np.abs(values[:: max(values.size // most, 1)]))
    if not count:
        return (float("nan"),) * 4
    p99 = float(np.percentile(np.concatenate(kept), 99))
    return float(np.sqrt(squares / count)), p99, total / count, beyond / count


def _in_unit(
    found: NDArray[np.float64], seen: NDArray[np.float64], unit: Noise | None
) -> NDArray[np.float32]:
    """Return differences in values, or in units of the noise at the source's values."""
    return (found if unit is None else found / unit.at(seen)).astype(np.float32)


def _lazy(pair: _Pair, unit: Noise | None) -> Any:
    """Return the map as a dask array; a chunk is a part of one plane."""
    import dask.array

    layout = pair.layout
    chunks: dict[str, tuple[int, ...]] = {
        letter: tuple(span.stop - span.start for span in _spans(size))
        for letter, size in (("Y", layout.height), ("X", layout.width))
    }
    if layout.samples:
        chunks[layout.axes[-1]] = (layout.channels,)
    pairs = zip(layout.axes, layout.shape, strict=True)
    sizes = tuple(chunks.get(letter, (1,) * size) for letter, size in pairs)
    return dask.array.map_blocks(  # type: ignore[no-untyped-call]
        _block, pair, unit, chunks=sizes, dtype=np.float32, meta=np.empty((0,) * len(sizes), "f4")
    )


def _block(pair: _Pair, unit: Noise | None, block_info: Any = None) -> NDArray[np.float32]:
    """Return one chunk of the map."""
    layout, place = pair.layout, block_info[None]["array-location"]
    looped = [
        start
        for letter, (start, _) in zip(layout.axes, place, strict=True)
        if letter not in "YX" and not (layout.samples and letter == layout.axes[-1])
    ]
    rows = slice(*place[layout.axes.index("Y")])
    columns = slice(*place[layout.axes.index("X")])
    plane = tuple(looped)
    values = _in_unit(*pair.difference(plane, rows, columns), unit)
    chunk = np.empty(tuple(stop - start for start, stop in place), np.float32)
    layout.write(chunk, (0,) * len(plane), slice(None), slice(None), values)
    return chunk


def _spans(size: int) -> list[slice]:
    """Return the parts of an axis that are compared one after the other."""
    return [slice(first, min(first + SIDE, size)) for first in range(0, size, SIDE)]


def known_model(record: Mapping[str, Any]) -> str | None:
    """Return the name of the known model that a record names, or None.

    None stands for own networks and blends: their results are shrunk by bicubic interpolation.
    """
    return str(record["model"]) if "blended" not in record and is_known(record) else None
