"""The interface of engines: an engine computes the segments of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import torch
    from torch import Tensor


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
    """Names of planes that the segment makes."""


class Backend(Protocol):
    """An engine that computes what a tile needs."""

    max_extra: float
    """Largest factor of extra arithmetic at which the engine is still used; see `Stages.extra`."""

    localises: bool
    """Whether segments may contain steps whose values are localised; see `segments.cut`."""

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether the engine can compute tiles of this many pixels on a device."""
        ...

    def computes(self, key: SegmentKey, tensors: Sequence[Tensor]) -> bool:
        """Return whether `run` would use the engine for these tensors now, and not PyTorch.

        If not, the caller may compute the segment itself, link by link.
        """
        ...

    def run(
        self,
        key: SegmentKey,
        function: Callable[..., tuple[Tensor, ...]],
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> tuple[Tensor, ...]:
        """Compute a function of tensors.

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
            Whether the next `run` of another segment may overwrite the results, which can save
            copying them. The next `run` of the same segment always may.
        """
        ...

    def record(self) -> dict[str, object]:
        """Return the `name` of the engine that computed, and details, for the result's record."""
        ...

    def reset(self) -> None:
        """Free the memory of a run that starts again, in smaller tiles or in another precision."""
        ...

    def close(self) -> None:
        """Free the memory of a run that ends."""
        ...
