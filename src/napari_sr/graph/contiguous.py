"""Make the tensors of state dicts contiguous, as files of weights require."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from torch import nn


def contiguous(
    network: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    """Make the tensors of a state dict contiguous, as weight files require.

    The weights of a loaded network have channels last; contiguous tensors are not copied.
    """
    for name, value in state.items():
        if isinstance(value, Tensor):
            state[name] = value.contiguous()
