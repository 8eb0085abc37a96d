"""What every engine offers: it computes a function of tensors, once it has prepared for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import torch
    from torch import Tensor


@dataclass(frozen=True)
class SegmentKey:
    """Which function of a run a segment is; names without weights."""

    chain: Hashable
    """Stands for the chain, with its weights, device and precision."""
    indices: tuple[int, ...]
    """Indices of the links in the chain."""
    inputs: tuple[str, ...]
    """Names of planes and values that the segment reads."""
    outputs: tuple[str, ...]
    """Names of planes that it makes."""


class Backend(Protocol):
    """An engine that computes what a tile needs."""

    name: str
    """"torch", "openvino"."""
    max_extra: float
    """How many times the arithmetic of a stage it may take to compute all that tiles read."""

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether it may compute tiles of so many pixels on a device."""
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
        """Return what the function makes of these tensors.

        Parameters
        ----------
        key : SegmentKey
            Stands for the function.
        function : callable
            Takes the tensors, returns a tuple of tensors.
        tensors : sequence of Tensor
            Of any shapes.
        device : torch.device, optional
            Where to compute; None for where all tensors are.
        borrowed : bool
            Whether the next `run` may overwrite the results, which saves copying them.
        """
        ...

    def record(self) -> dict[str, object]:
        """Return what ran, for the record of the result."""
        ...

    def close(self) -> None:
        """Give back the memory of a run."""
        ...
