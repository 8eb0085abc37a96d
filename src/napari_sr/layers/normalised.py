"""Convolutions whose results are normalised per channel.

Batch normalisation: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167. Inference uses the
mean and variance of the training data, so the step is local.
Instance normalisation: Ulyanov et al., 2016, https://arxiv.org/abs/1607.08022. Mean and variance
are those of the whole plane. A link of the chain gathers them, so tiles give the same result as the
whole plane.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import GlobalStats, Link, Step

if TYPE_CHECKING:
    from fractions import Fraction

BATCH, INSTANCE = "batch", "instance"


class InstanceNorm(nn.Module):
    """Normalise each channel of (N, C, H, W) by the moments of its whole plane.

    Parameters
    ----------
    features : int
        Channels C. The standard deviation and the mean of each result channel are learned.
    """

    EPSILON = 1e-5
    """Added to the variance, as in PyTorch."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def statistics(self, mean: Tensor, deviations: Tensor, pixels: int) -> Tensor:
        """Return the mean to subtract and the factor to multiply by, (2, N, C, 1, 1)."""
        factor = self.weight[:, None, None] * (deviations / pixels + self.EPSILON).rsqrt()
        return torch.stack([mean, factor])

    def forward(self, x: Tensor, statistics: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape; half precision is rounded once, at the end."""
        mean, factor = statistics
        result: Tensor = (x - mean) * factor + self.bias[:, None, None]
        return result.to(x.dtype)


class Normalised(nn.Module):
    """A convolution, the normalisation of its result, and an activation.

    Parameters
    ----------
    convolution : nn.Module
        Maps (N, B, H, W) to (N, C, H, W), or to another size.
    features : int
        Channels C.
    norm : str
        "batch" or "instance".
    activation : nn.Module, optional
        Activation of the normalised result.

    Raises
    ------
    ValueError
        If `norm` is neither.
    """

    def __init__(
        self,
        convolution: nn.Module,
        features: int,
        *,
        norm: str = BATCH,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if norm not in (BATCH, INSTANCE):
            raise ValueError(f"features need norm='batch' or norm='instance', got norm={norm!r}")
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(features) if norm == BATCH else InstanceNorm(features)
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Return the activated result, plus `skip` if given; only for `norm` "batch"."""
        result: Tensor = self.activation(self.norm(self.convolution(x)))
        return result if skip is None else result + skip

    def links(
        self,
        x: str,
        y: str,
        radius: int,
        *,
        scale: int | Fraction = 1,
        skip: str | None = None,
    ) -> list[Link]:
        """Return the links that compute plane `y` from plane `x`.

        Parameters
        ----------
        x, y : str
            Names of planes.
        radius, scale
            Radius and scale of the convolution, as in `Step`.
        skip : str, optional
            The plane to add at the end.
        """
        more = () if skip is None else (skip,)
        if isinstance(self.norm, nn.BatchNorm2d):
            return [Step(self, (x, *more), (y,), radius, scale=scale)]
        end = Step(self._end, ("raw", *more), (y,), uses=("statistics",), scale=scale)
        return [
            Step(self.convolution, (x,), ("raw",), radius, scale=scale),
            GlobalStats("raw", "statistics", self.norm.statistics),
            end,
        ]

    def _end(self, raw: Tensor, *more: Tensor) -> Tensor:
        """Normalise and activate; `more` is an optional skip to add, then the statistics."""
        *skip, statistics = more
        result: Tensor = self.activation(self.norm(raw, statistics))
        return result + skip[0] if skip else result


class NormalisedBlock(nn.Module):
    """Two normalised convolutions with an activation in between; the result is added to the input.

    Parameters
    ----------
    first, second : Normalised
        The convolutions; each keeps the size and has radius 1.
    """

    def __init__(self, first: Normalised, second: Normalised) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape; only for `norm` "batch"."""
        result: Tensor = self.second(self.first(x), x)
        return result

    def links(self, x: str, y: str, radius: int, *, scale: int | Fraction = 1) -> list[Link]:
        """Return the links that compute plane `y` from plane `x`; arguments as in `Normalised`."""
        if isinstance(self.first.norm, nn.BatchNorm2d):
            return [Step(self, (x,), (y,), 2 * radius, scale=scale)]
        return [
            *self.first.links(x, "between", radius, scale=scale),
            *self.second.links("between", y, radius, scale=scale, skip=x),
        ]
