"""Steps of pre- and post-processing of pixel values, as authors of networks describe them.

Symbols: H x W pixels, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Apply: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]

Numbers: TypeAlias = float | tuple[float, ...]
"""One number for all channels, or one for each channel."""
Axes: TypeAlias = tuple[int, ...]
"""The axes of (H, W, C) over which a statistic is computed."""


class Operation(Protocol):
    """One step of a processing."""

    @property
    def gathers(self) -> bool:
        """Whether the step needs statistics of the whole plane."""

    @property
    def changes(self) -> bool:
        """Whether the step changes values, except by rounding."""

    @property
    def words(self) -> str:
        """The step as text, for records."""

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels, (H, W, C), with the statistics of a plane."""


@dataclass(frozen=True)
class Linear:
    """Multiply by `gain`, then add `offset`."""

    gain: Numbers = 1.0
    offset: Numbers = 0.0
    gathers = False
    changes = True

    @property
    def words(self) -> str:
        """The step as text."""
        return f"x * {self.gain} + {self.offset}"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""
        gain, offset = np.asarray(self.gain, np.float64), np.asarray(self.offset, np.float64)
        return lambda x: x * gain + offset


@dataclass(frozen=True)
class Standardise:
    """Subtract a mean, and divide by a standard deviation plus `eps`.

    Without `mean` and `std`, they are those of the plane over `axes`.
    """

    axes: Axes = (0, 1, 2)
    eps: float = 1e-6
    mean: Numbers | None = None
    std: Numbers | None = None
    changes = True

    @property
    def gathers(self) -> bool:
        """Whether mean and deviation are those of the plane."""
        return self.mean is None

    @property
    def words(self) -> str:
        """The step as text."""
        of = "mean and deviation of the plane" if self.gathers else f"{self.mean} and {self.std}"
        return f"(x - mean) / (deviation + {self.eps:g}), {of}{_per_channel(self.axes)}"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""
        if self.mean is None or self.std is None:
            mean = plane.mean(self.axes, np.float64, keepdims=True)
            std = plane.std(self.axes, np.float64, keepdims=True)
        else:
            mean, std = np.asarray(self.mean, np.float64), np.asarray(self.std, np.float64)
        return lambda x: (x - mean) / (std + self.eps)


@dataclass(frozen=True)
class ScaleRange:
    """Map two percentiles of the plane to 0 and 1."""

    low: float = 0.0
    high: float = 100.0
    axes: Axes = (0, 1, 2)
    eps: float = 1e-6
    gathers = True
    changes = True

    @property
    def words(self) -> str:
        """The step as text."""
        return (
            f"(x - low) / (high - low + {self.eps:g}), percentiles {self.low:g} and {self.high:g} "
            f"of the plane{_per_channel(self.axes)}"
        )

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""
        low, high = np.percentile(
            plane.astype(np.float64), (self.low, self.high), self.axes, keepdims=True
        )
        return lambda x: (x - low) / (high - low + self.eps)


@dataclass(frozen=True)
class Clip:
    """Clip to `low`..`high`, which are values, or percentiles of the plane."""

    low: float | None = None
    high: float | None = None
    percentiles: tuple[float | None, float | None] = (None, None)
    """Percentiles instead of `low` and `high`, where they are not None."""
    axes: Axes = (0, 1, 2)
    changes = True

    @property
    def gathers(self) -> bool:
        """Whether a limit is a percentile of the plane."""
        return self.percentiles != (None, None)

    @property
    def words(self) -> str:
        """The step as text."""
        return f"clip to {self._named(0)}..{self._named(1)}"

    def _named(self, end: int) -> str:
        share, value = self.percentiles[end], (self.low, self.high)[end]
        if share is None:
            return "" if value is None else f"{value:g}"
        return f"percentile {share:g} of the plane{_per_channel(self.axes)}"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""
        low, high = (self._limit(end, plane) for end in (0, 1))
        return lambda x: np.clip(x, low, high)

    def _limit(self, end: int, plane: NDArray[np.float32]) -> Any:
        share = self.percentiles[end]
        if share is None:
            return (self.low, self.high)[end]
        # the description's own library takes values that occur in the plane
        return np.percentile(plane, share, self.axes, method="inverted_cdf", keepdims=True)


@dataclass(frozen=True)
class Binarize:
    """1 above a threshold, 0 elsewhere."""

    threshold: Numbers
    gathers = False
    changes = True

    @property
    def words(self) -> str:
        """The step as text."""
        return f"1 above {self.threshold}, else 0"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""
        threshold = np.asarray(self.threshold, np.float64)
        return lambda x: (x > threshold).astype(np.float64)


@dataclass(frozen=True)
class Sigmoid:
    """1 / (1 + exp(-x))."""

    gathers = False
    changes = True
    words = "sigmoid"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""

        def apply(x: NDArray[Any]) -> NDArray[Any]:
            with np.errstate(over="ignore"):  # exp of a large number is infinite, 1 / inf is 0
                result: NDArray[Any] = 1.0 / (1.0 + np.exp(-x.astype(np.float64)))
            return result

        return apply


@dataclass(frozen=True)
class Convert:
    """Convert to a data type; floats are truncated to integers."""

    dtype: str
    gathers = False
    changes = False

    @property
    def words(self) -> str:
        """The step as text."""
        return f"as {self.dtype}"

    def fitted(self, plane: NDArray[np.float32]) -> Apply:
        """Return the step as a function of pixels."""

        def apply(x: NDArray[Any]) -> NDArray[Any]:
            with np.errstate(invalid="ignore"):
                return x.astype(self.dtype)

        return apply


def _per_channel(axes: Axes) -> str:
    return "" if 2 in axes else ", each channel by itself"
