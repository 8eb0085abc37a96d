"""Estimate the variance of an image's noise at each brightness, from its smoothest blocks.

Filters that cancel smooth light pass noise and fine detail. Each block of a window has one variance
per filter. The blocks with the smallest variance contain noise, and hardly any detail. If all
blocks contain noise alone, their variances are nearly equal; if the smallest ones differ by more,
they contain detail, too, and the noise lies below them (`_floor`).

Two filters see white noise: second differences (Immerkaer, "Fast Noise Variance Estimation",
Computer Vision and Image Understanding 64, 1996, https://doi.org/10.1006/cviu.1996.0060), and sixth
differences, which pass only the finest frequencies, where a lens leaves hardly any detail. Detail
makes each of them too large, so the smaller one counts.

Interpolation, demosaicing and compression leave little noise at the finest frequencies. Such noise
is as strong everywhere, and is found as the variance of whole blocks (`_interpolated`).

Symbols: H x W pixels of a window, N blocks, G groups of blocks of similar brightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

BLOCK, FEW = 8, 1000
"""Side of a block in pixels, and the number of blocks below which they overlap by half."""
GROUPS, LEAST = 8, 64
"""Largest number of groups of similar brightness, and the least number of blocks in one."""
FEWEST = 16
"""Least number of blocks that are not empty; with fewer, all blocks count."""
SHARES = (0.05, 0.2, 0.5)
"""Shares of the smoothest blocks of a group, whose largest variances are compared."""
REACH = 3
"""Pixels next to the border of a window that the filters need."""
OF_NOISE = {
    "whole": (0.721, 0.844, 0.989), "second": (0.554, 0.727, 0.958), "sixth": (0.396, 0.594, 0.903)
}  # fmt: skip
"""These variances in white noise of variance 1, per filter (measured)."""
ALIKE = 1.12
"""Up to this ratio of two of them, relative to white noise, blocks contain noise alone. Up to this
ratio of the variances by both filters, the one of second differences, which is surer, counts."""
SATURATED = 1e-3
"""Share of pixels with the largest value from which blocks with several of them do not count."""
DISTINCT, ONE_VALUE = 4, 0.5
"""Constant blocks of so many values, none of which more than this share has, show that there is no
noise. Those of few values lie beyond a mask."""
UNIFORM, STEEPER, COARSER = (0.95, 1.2), 1.6, (1.5, 12.0)
SPREAD, EVERYWHERE = 6.0, 0.01
"""Noise counts as interpolated if the two variances of whole blocks have a ratio within `UNIFORM`,
relative to white noise; the level of second differences is at least `STEEPER` times that of sixth
ones; that of whole blocks is `COARSER` times that of second differences; the brightness has a
range of `SPREAD` times the noise; and no group has less than `EVERYWHERE` times the variance of
another. Blurred noise without anything else may as well be texture. With weaker conditions, texture
of real, clean images counted, and networks then smoothed it (up to 17 dB worse)."""
SIXTH = 6**3 / 924
"""Three second differences in turn are a sixth one; this is its factor along one axis."""


@dataclass(frozen=True)
class NoiseFloors:
    """The noise of groups of blocks of similar brightness, from dark to bright."""

    bright: Values
    """Mean pixel values, (G,)."""
    variance: Values
    """Variances of the noise, in squared pixel values, (G,)."""

    @property
    def slope(self) -> float:
        """Growth of the variance with brightness, at least 0: pixel values per photon."""
        if np.ptp(self.bright) == 0 or self.variance.min() <= 0:
            return 0.0
        # a variance is known to a certain share of itself, so relative errors are minimised
        rows = np.stack((np.ones_like(self.bright), self.bright), axis=1) / self.variance[:, None]
        found = np.linalg.lstsq(rows, np.ones(len(self.bright)), rcond=None)[0]
        return max(float(found[1]), 0.0)


def floors_of(windows: Sequence[Values]) -> NoiseFloors:
    """Estimate the noise of an image at each brightness.

    Constant blocks, such as those beyond a mask, and blocks beside them do not count, nor do
    saturated ones.

    Parameters
    ----------
    windows : sequence of (H, W)
        Parts of the image with finite values, at least 14 pixels along each side.
    """
    blocks = _counting(_measured(windows))
    count = max(min(GROUPS, len(blocks.bright) // LEAST), 1)
    groups = np.array_split(np.argsort(blocks.bright, kind="stable"), count)
    bright = np.array([blocks.bright[group].mean() for group in groups])
    second, sixth = (_floors(blocks, name, groups) for name in ("second", "sixth"))
    factor = _interpolated(blocks, groups, second, sixth)
    if factor is not None:
        return NoiseFloors(bright, second * factor)
    return NoiseFloors(bright, np.where(second <= ALIKE * sixth, second, sixth))


@dataclass(frozen=True)
class _Blocks:
    """Brightness and variances of blocks, (N,)."""

    bright: Values
    whole: Values
    """Variance about the plane that fits best."""
    second: Values
    sixth: Values
    """Mean squares of second and sixth differences; that of white noise is its variance."""
    constant: NDArray[np.bool_]
    beside: NDArray[np.bool_]
    """Whether a block touches or overlaps a constant one."""
    saturated: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> _Blocks:
        """Return some of the blocks."""
        return _Blocks(*(values[chosen] for values in vars(self).values()))


def _measured(windows: Sequence[Values]) -> _Blocks:
    """Return the blocks of all windows."""
    count = sum(len(cut(window[REACH:-REACH, REACH:-REACH], BLOCK)[0]) for window in windows)
    step = BLOCK if count >= FEW else BLOCK // 2
    top = max(float(window.max()) for window in windows)
    share = float(np.mean([np.mean(window == top) for window in windows]))
    parts = [_blocks(window, step, top if share > SATURATED else np.inf) for window in windows]
    columns = zip(*parts, strict=True)
    return _Blocks(*(np.concatenate(column) for column in columns))


def _blocks(window: Values, step: int, top: float) -> tuple[NDArray[np.generic], ...]:
    """Return the fields of `_Blocks` for one window."""
    second = _second(window)
    sixth = _second(_second(second))
    pixels, rows = cut(window[REACH:-REACH, REACH:-REACH], step)
    constant = np.ptp(pixels, axis=1) == 0
    rest = pixels - (pixels @ PLANE) @ PLANE.T
    near = BLOCK // step
    around = np.pad(constant.reshape(rows, -1), near)
    beside = sliding_window_view(around, (2 * near + 1,) * 2).any(axis=(2, 3)).ravel()
    return (
        pixels.mean(axis=1),
        (rest**2).sum(axis=1) / (BLOCK**2 - PLANE.shape[1]),
        (cut(second[REACH - 1 : 1 - REACH, REACH - 1 : 1 - REACH], step)[0] ** 2).mean(axis=1),
        (cut(sixth, step)[0] ** 2).mean(axis=1) * SIXTH**2,
        constant,
        beside,
        (pixels == top).sum(axis=1) > 1,
    )


def _counting(blocks: _Blocks) -> _Blocks:
    """Return the blocks that show the noise of the image."""
    constant, number = np.unique(blocks.bright[blocks.constant], return_counts=True)
    if len(constant) >= DISTINCT and number.max() <= ONE_VALUE * number.sum():
        return blocks
    for left_out in (blocks.beside | blocks.saturated, blocks.beside):
        if np.count_nonzero(~left_out) >= FEWEST:
            return blocks.only(~left_out)
    return blocks


def _floor(variances: Values, of_noise: Sequence[float]) -> float:
    """Return the variance of noise in a group of blocks, from those of the blocks.

    Beyond `ALIKE`, even the smoothest blocks contain detail. The noise then lies as far below them
    as they lie below the next ones.
    """
    least, next_, middle = (np.quantile(variances, SHARES) / of_noise).tolist()
    alike = ALIKE + len(variances) ** -0.5  # by chance, few blocks differ more
    if middle <= alike * least:
        return float(middle)
    ratio = next_ / least if least > 0 else 1.0
    found: float = least * min(ratio, alike) ** 0.5 / max(ratio / alike, 1.0) ** 3
    return found


def _floors(blocks: _Blocks, name: str, groups: Sequence[NDArray[np.intp]]) -> Values:
    """Return the variance of noise in each group by one filter, (G,)."""
    variances = getattr(blocks, name)
    return np.array([_floor(variances[group], OF_NOISE[name]) for group in groups])


def _interpolated(
    blocks: _Blocks, groups: Sequence[NDArray[np.intp]], second: Values, sixth: Values
) -> float | None:
    """Return the variance of interpolated noise relative to that of its second differences.

    None if noise is white, or cannot be told from texture. The spectrum of noise is the same in all
    groups, so detail is left out with the groups in which the ratio is large.
    """
    everywhere = second.min() > EVERYWHERE * second.max()
    if not everywhere or second.mean() < STEEPER**2 * sixth.mean():
        return None
    whole = _floors(blocks, "whole", groups)
    found = [np.quantile(blocks.whole[one], SHARES[:2]) / OF_NOISE["whole"][:2] for one in groups]
    ratio = float(np.median([high / low if low > 0 else 0 for low, high in found]))
    factor = float(np.quantile(whole / second, 0.25))
    level = float(np.quantile(whole, 0.25)) ** 0.5
    blurred = COARSER[0] <= factor**0.5 <= COARSER[1]
    uniform = UNIFORM[0] <= ratio <= UNIFORM[1]
    return factor if blurred and uniform and np.ptp(blocks.bright) > SPREAD * level else None


def _second(image: Values) -> Values:
    """Return second differences along both axes; white noise keeps its variance."""
    image = image[:-2] - 2 * image[1:-1] + image[2:]
    found: Values = (image[:, :-2] - 2 * image[:, 1:-1] + image[:, 2:]) / 6
    return found


def cut(image: Values, step: int) -> tuple[Values, int]:
    """Return blocks of an image, (N, BLOCK * BLOCK), and how many lie below each other."""
    found = sliding_window_view(image, (BLOCK, BLOCK))[::step, ::step]
    return found.reshape(-1, BLOCK**2), found.shape[0]


def _planes() -> Values:
    """Return three orthonormal functions of a block's pixels that add up to any plane."""
    line = np.arange(BLOCK) - (BLOCK - 1) / 2
    tilted = np.outer(line, np.ones(BLOCK)).ravel(), np.outer(np.ones(BLOCK), line).ravel()
    return np.stack([one / np.linalg.norm(one) for one in (np.ones(BLOCK**2), *tilted)], axis=1)


PLANE = _planes()
"""Orthonormal functions of the pixels of a block, (BLOCK * BLOCK, 3), that add up to any plane."""
