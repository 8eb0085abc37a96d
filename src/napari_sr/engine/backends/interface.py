"""The interface of engines: an engine computes the segments of a stage."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from napari_sr.graph.chain import IMAGE, NOISE, RESULT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Sequence

    import torch
    from torch import Tensor


POLL = 0.05
"""Seconds between two reports of progress by an engine that computes in other threads."""


def share_since(began: float, seconds: float) -> float:
    """Return the share of a computation that is probably done, 0..1.

    Parameters
    ----------
    began : float
        Start of the computation, by `time.monotonic`.
    seconds : float
        Expected duration of the computation; 0 if it is unknown.
    """
    return min((time.monotonic() - began) / seconds, 0.95) if seconds else 0.0


@dataclass(frozen=True)
class SegmentKey:
    """Identity of a segment within a run."""

    chain: Hashable
    """Identity of the chain, which includes its weights, device and precision."""
    indices: tuple[int, ...]
    """Indices of the links in the chain."""
    inputs: tuple[str, ...]
    """Names of planes and values that the segment reads."""
    outputs: tuple[str, ...]
    """Names of planes that the segment computes."""

    @property
    def reads_image(self) -> bool:
        """Whether the segment reads only the image, and the level of its noise."""
        return self.inputs[:1] == (IMAGE,) and set(self.inputs[1:]) <= {NOISE}

    @property
    def is_whole(self) -> bool:
        """Whether the segment is the whole chain."""
        return self.reads_image and self.outputs == (RESULT,)


class Backend(Protocol):
    """An engine that computes tiles, or segments of their stages."""

    max_extra: float
    """Largest growth of arithmetic for which the engine is still used; see `Stages.extra`."""

    localises: bool
    """Whether segments may contain steps with `localise`; see `segments.cut`."""

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether the engine can compute tiles of this many pixels on a device."""
        ...

    def ready(self, key: SegmentKey, tensors: Sequence[Tensor]) -> Generator[float, None, None]:
        """Wait until `computes` has its final answer, in runs that wait for the engine.

        Yields
        ------
        float
            0, while it waits; closing the generator ends the waiting.
        """
        ...

    def computes(self, key: SegmentKey, tensors: Sequence[Tensor]) -> bool:
        """Return whether `steps` would now use the engine, and not PyTorch, for these tensors.

        If it would use PyTorch, the caller may instead compute the segment link by link.
        """
        ...

    def steps(
        self,
        key: SegmentKey,
        function: Callable[..., tuple[Tensor, ...]],
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> Generator[float, None, tuple[Tensor, ...]]:
        """Compute a function of tensors; closing the generator ends the computation early.

        Parameters
        ----------
        key : SegmentKey
            Identity of the function.
        function : callable
            Takes the tensors, returns a tuple of tensors.
        tensors : sequence of Tensor
            Arguments of any shapes.
        device : torch.device, optional
            Device of the computation; by default that of the tensors.
        borrowed : bool
            Whether the next computation of another segment may overwrite the results, which can
            save a copy. The next computation of the same segment may always overwrite them.

        Yields
        ------
        float
            Share of the computation that is done, 0..1; only for computations that take long.
        """
        ...

    def record(self) -> dict[str, object]:
        """Return the `name` of the engine used, and details, for the result's record."""
        ...

    def reset(self) -> None:
        """Free the memory of a run that starts again, in smaller tiles or in another precision."""
        ...

    def close(self) -> None:
        """Free the memory of a run that ends."""
        ...
