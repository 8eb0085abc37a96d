"""Pre- and post-processing of pixel values that the author of a network describes.

Statistics such as percentiles are computed once from a whole plane, never from a tile.

Symbols: H x W pixels, C channels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_sr.graph.processing_steps import Apply, Operation


@dataclass(frozen=True)
class Processing:
    """What happens to pixels before and after a network."""

    channels: int
    """Channels of the images that it takes."""
    before: tuple[Operation, ...] = ()
    after: tuple[Operation, ...] = ()
    """Steps that need no statistics of the result."""
    limits: tuple[float, float] | None = None
    """The smallest and largest stored value that the author allows; None if unlimited."""
    stored: bool = False
    """Whether all statistics are those of the pixels as they are stored, instead of the pixels
    after the steps before."""
    whole: bool = False
    """Whether the author allows only whole numbers; others would be cut or wrap around."""

    @property
    def gathers(self) -> bool:
        """Whether a step needs statistics of the whole plane."""
        return any(step.gathers for step in (*self.before, *self.after))

    @property
    def words(self) -> dict[str, list[str]]:
        """The steps as text, for records."""
        stored = ["statistics of the stored pixels"] * (self.stored and self.ambiguous)
        return {
            "before": [*stored, *(step.words for step in self.before)],
            "after": [step.words for step in self.after],
        }

    @property
    def ambiguous(self) -> bool:
        """Whether a statistic follows a step that changes values, so that `stored` matters."""
        changes = [place for place, step in enumerate(self.before) if step.changes]
        gathers = [place for place, step in enumerate(self.before) if step.gathers]
        return bool(changes and gathers) and changes[0] < gathers[-1]

    def fitted(self, plane: NDArray[Any]) -> Fitted:
        """Return the processing of one plane, (H, W, C), with its statistics.

        Raises
        ------
        ValueError
            If the plane has other channels, or values outside `limits`.
        """
        if plane.shape[2] != self.channels:
            kinds = {1: "grey images", 3: "RGB images without opacity"}
            raise ValueError(
                f"the model takes {kinds[self.channels]}, got {plane.shape[2]} channels"
            )
        self._check(plane)
        steps: list[Apply] = []
        x = plane.astype(np.float32) if self.gathers else plane[:1, :1].astype(np.float32)
        for place, step in enumerate(self.before):
            steps.append(step.fitted(x))
            if not self.stored and any(later.gathers for later in self.before[place + 1 :]):
                x = steps[-1](x).astype(np.float32)
        return Fitted(steps, [step.fitted(x) for step in self.after])

    def _check(self, plane: NDArray[Any]) -> None:
        """Check that the values of a plane are allowed, unless floats are normalised anyway."""
        if self.whole and plane.dtype.kind == "f" and (plane != np.rint(plane)).any():
            raise ValueError(
                "the model's description allows only whole numbers, but the image has fractions: "
                "rescale the image, and convert it to integers first"
            )
        adapts = any(step.gathers for step in self.before) and not self.whole
        if self.limits is None or adapts:
            return
        low, high = float(plane.min()), float(plane.max())
        if low < self.limits[0] or high > self.limits[1]:
            raise ValueError(
                f"the model's description allows values from {self.limits[0]:g} to "
                f"{self.limits[1]:g}, but the image has values from {low:g} to {high:g}: rescale "
                "the image first"
            )


@dataclass(frozen=True)
class Fitted:
    """The processing of one plane."""

    before: Sequence[Apply]
    after: Sequence[Apply] = field(default_factory=tuple)

    def enter(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return pixels, (H, W, C), as the network reads them."""
        return _applied(self.before, pixels)

    def leave(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the network's output, (S * H, S * W, C), after the last step."""
        return _applied(self.after, values)


def _applied(steps: Sequence[Apply], x: NDArray[Any]) -> NDArray[np.float32]:
    for step in steps:
        x = step(x)
    return np.asarray(x, np.float32)
