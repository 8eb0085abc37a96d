"""The base of all losses: they compare in float32, whatever the network's precision.

Symbols: N crops, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn


class Loss(nn.Module):
    """A loss that compares images; `forward` takes the arguments that `reads` names."""

    reads: ClassVar[Literal["image", "levels", "predictions"]] = "image"
    """The kind of arguments: (result, truth); (images of all levels, truth); or (predictions,
    result, truth, alpha)."""
    penalty: ClassVar[bool] = False
    """Whether the loss depends on the result alone."""


def precise(image: Tensor) -> Tensor:
    """Convert an image to float32, unless it is float64."""
    return image if image.dtype == torch.float64 else image.float()


def compared(result: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return two images, (N, C, H, W), in a precision that suits comparison.

    Raises
    ------
    ValueError
        If the shapes differ or there are no pixels.
    """
    if result.shape != truth.shape or result.numel() == 0:
        raise ValueError(
            "a loss needs a result and a truth of equal shape (N, C, H, W), got "
            f"{tuple(result.shape)} and {tuple(truth.shape)}"
        )
    return precise(result), precise(truth)


def judged(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return a critic's logits for photographs and for results, of any shapes, in float32.

    Raises
    ------
    ValueError
        If either is empty.
    """
    if real.numel() == 0 or fake.numel() == 0:
        raise ValueError(
            "an adversarial loss needs a critic's logits of photographs and of results, got "
            f"{tuple(real.shape)} and {tuple(fake.shape)}"
        )
    return precise(real), precise(fake)
