"""Consistency of a result with its source: the result is downscaled ("shrunk") and compared.

A result that is shrunk as the training images were must equal the source. Where it differs, the
result contradicts the source. Where it agrees, the result may still be wrong: invented detail can
vanish by shrinking.

Symbols: H x W pixels of the source, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sr.advice.choice import is_noisy
from napari_sr.advice.forecast import gains_of, powers_of
from napari_sr.advice.traits import traits_of
from napari_sr.consistency.pair import pair_of
from napari_sr.consistency.source_part import part_of_source
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import as_array
from napari_sr.engine.image.noise import Noise, noise_of
from napari_sr.engine.image.sample import sample_of
from napari_sr.engine.planning.region import checked_region
from napari_sr.evaluation.difference_map import in_unit, lazy_map, overview_of, parts_of
from napari_sr.runs.factor import checked_factor
from napari_sr.runs.run import drive

if TYPE_CHECKING:
    from collections.abc import Generator
    from fractions import Fraction

    from numpy.typing import NDArray

    from napari_sr.consistency.pair import Pair
    from napari_sr.consistency.source_part import Spans
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.evaluation.difference_map import Overview
    from napari_sr.graph.factor import Factor

NAME = "a check"
"""Name of this function in errors about too few pixels."""
MOST_VALUES = 1_000_000
"""Number of differences from which percentiles are taken."""


@dataclass(frozen=True)
class Check:
    """The differences between a shrunk result and its source."""

    map: Any
    """The shrunk result minus the source, with the axes and shape of the source: a NumPy array, or
    a dask array whose chunks are computed when they are read. NaN where the difference is unknown:
    at missing pixels, and at the inner borders of a region."""
    unit: str
    """Unit of the map: "values" of the source, or "noise" if it is divided by the source's noise.
    Noise does not explain values beyond -3..3 of the latter."""
    noise: Noise
    """The noise of the source."""
    rms: float
    """Root mean square of the difference, in values of the source."""
    p99: float
    """99th percentile of the difference's absolute value, in values of the source."""
    bias: float
    """Mean of the difference, in values of the source: above 0, the result is brighter."""
    unexplained: float
    """Share of pixels that differ by more than 3 times the noise; about 0.003 for noise alone."""
    pixels: int = 0
    """Number of values that were compared."""
    overview: NDArray[np.float32] | None = None
    """For large planes, a coarser map: for each square of pixels, the value furthest from 0. None
    if the map is small, or no overview was requested."""

    def in_words(self) -> str:
        """Return the figures in one sentence."""
        noise = f"; {self.unexplained:.2%} of the pixels differ by more than 3 times the noise"
        return (
            f"The shrunk result differs from the source by {self.rms:.3g} (RMS), by at most "
            f"{self.p99:.3g} in 99 % of the pixels, and by {self.bias:+.2g} on average"
            f"{noise if self.unit == 'noise' else ''}."
        )


def check(
    source: ArrayLike,
    result: ArrayLike,
    model: str | None = None,
    *,
    scale: float | Fraction | None = None,
    axes: str | None = None,
    region: tuple[tuple[int, int], tuple[int, int]] | None = None,
) -> Check:
    """Shrink a result as the model's training images were, and compare it with its source.

    Results of `microscope` are blurred and binned, with the blur that fits best.

    Parameters
    ----------
    source : array
        NumPy, dask, Zarr or similar.
    result : array
        The upscaled source, with the same axes. Both are read part by part.
    model : str, optional
        Name of the model or its checkpoint file, which determines how the result is shrunk; by
        default, by bicubic interpolation.
    scale : float or Fraction, optional
        Enlargement factor; by default, the whole number that the shapes show.
    axes : str, optional
        One letter per axis, as for `napari_sr.upscale`.
    region : ((top, bottom), (left, right)), optional
        The rectangle of each plane that was upscaled, as for `napari_sr.upscale`. The map then has
        the size of the region.

    Returns
    -------
    Check
        A map of differences, and figures.

    Raises
    ------
    ValueError
        If the shapes do not fit, the axes or the region are wrong, the source is smaller than
        24 x 24 pixels or has no finite pixels, or `model` is neither a known model nor a checkpoint
        of the result's scale.
    """
    source = as_array(source)
    layout = layout_of(source.shape, source.dtype, axes)
    spans = None
    if region is not None:
        spans = part_of_source({"region": checked_region(region, layout).spans}, layout)
    factor = None if scale is None else checked_factor(scale)
    return drive(check_steps(source, result, model, scale=factor, axes=axes, spans=spans))


def check_steps(
    source: ArrayLike,
    result: ArrayLike,
    model: str | None = None,
    *,
    scale: Factor | None = None,
    network_scale: int | None = None,
    axes: str | None = None,
    spans: Spans | None = None,
    most_in_memory: int = 0,
) -> Generator[tuple[int, int], None, Check]:
    """Do the same as `check`; yield the number of parts done, and of all parts.

    A map of at most `most_in_memory` bytes is a NumPy array, computed together with the figures. A
    larger map of large planes has an overview of at most this size.
    `spans` is the part of the source that was upscaled; see `source_part.part_of_source`. `scale`
    and `network_scale` are those of `pair_of`.
    """
    source, result = as_array(source), as_array(result)
    pair = pair_of(
        source, result, model, scale=scale, network_scale=network_scale, axes=axes, spans=spans
    )
    sample = sample_of(source, axes, NAME)
    traits = traits_of(sample)
    noise = noise_of(sample.windows, traits.used[1] - traits.used[0])
    unit = noise if is_noisy(gains_of(powers_of(sample)), noise) else None
    coarse = overview_of(pair.layout, most_in_memory)
    figures = yield from _figures(pair, noise, unit, coarse)
    whole = coarse is not None and coarse.step == 1
    shown = coarse.pixels if coarse is not None and whole else lazy_map(pair, unit)
    overview = None if coarse is None or whole else coarse.pixels
    return Check(shown, "values" if unit is None else "noise", noise, *figures, overview)


def _figures(
    pair: Pair, noise: Noise, unit: Noise | None, shown: Overview | None
) -> Generator[tuple[int, int], None, tuple[float, float, float, float, int]]:
    """Fill the map; return RMS, 99th percentile, mean, share beyond 3 times the noise, count."""
    parts = parts_of(pair)
    most = MOST_VALUES // len(parts) + 1
    squares, total, beyond, count, kept = 0.0, 0.0, 0, 0, []
    for done, place in enumerate(parts):
        yield done, len(parts)
        found, seen = pair.difference(*place)
        if shown is not None:
            shown.add(place, in_unit(found, seen, unit))
        found, seen = pair.without_alpha(found), pair.without_alpha(seen)
        finite = np.isfinite(found)
        values = found[finite]
        expected = noise.at(seen[finite] + values)  # at the shrunk result, as in `in_unit`
        beyond += int(np.count_nonzero(np.abs(values) > 3 * expected))
        squares, total = squares + float((values**2).sum()), total + float(values.sum())
        count += values.size
        kept.append(np.abs(values[:: max(values.size // most, 1)]))
    if not count:
        return (*(float("nan"),) * 4, 0)
    p99 = float(np.percentile(np.concatenate(kept), 99))
    return float(np.sqrt(squares / count)), p99, total / count, beyond / count, count
