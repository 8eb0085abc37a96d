"""3x3 convolutions separated into a 1x1 convolution over channels and a 3x3 in each channel.

BSConv, blueprint separable: Haase and Amthor, 2020, https://arxiv.org/abs/2003.13549. Form S of
BSConv also separates the 1x1 into two, with a quarter of the channels in between. DSConv, depthwise
separable: Chollet, 2017, https://arxiv.org/abs/1610.02357; here the 3x3 comes first. As in BSRN's
released code, there is no normalisation or activation in between, and only the 3x3 has a bias.

Symbols: N images, C channels, E channels inside ESA, H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from napari_sr.layers.blocks import activation_of, conv1x1, weight_and_bias
from sr_kernels._activation import activated
from sr_kernels.bsconv import bsconv
from sr_kernels.depthwise_gelu import depthwise_gelu
from sr_kernels.esa_pool import esa_pool
from sr_kernels.pointwise_sum import pointwise_sum

if TYPE_CHECKING:
    from collections.abc import Callable

FUSED = ("none", "gelu")
"""Activations that the kernel `bsconv` computes; others are separate operations."""
LEAST_MIDDLE = 4
"""Smallest number of channels between the two 1x1 convolutions of BSConvS. Wide layers have a
quarter of the inputs there."""


def middle(inputs: int) -> int:
    """Return the number of channels between the two 1x1 convolutions of BSConvS."""
    return min(inputs, max(LEAST_MIDDLE, math.ceil(inputs / 4)))


def depthwise(channels: int, *, stride: int = 1, padding: int = 1) -> nn.Conv2d:
    """Return a depthwise 3x3 convolution: each channel has its own kernel."""
    return nn.Conv2d(channels, channels, 3, stride, padding, groups=channels)


class Repeat(nn.Module):
    """Repeat (N, C, H, W) along channels.

    Parameters
    ----------
    times : int
        Number of copies; with 1, the input itself is returned.
    """

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, times * C, H, W)."""
        return x if self.times == 1 else x.repeat(1, self.times, 1, 1)


class BSConv(nn.Module):
    """Blueprint separable convolution, form U: a 1x1 over channels, then a depthwise 3x3.

    The depthwise half pads the pointwise half's result with zeros.

    Parameters
    ----------
    inputs, outputs : int
        Channels before and after the pointwise half.
    activation : nn.Module, optional
        Activation of the result; one that `blocks.activation_of` accepts.
    pointwise_bias : bool
        Whether the pointwise half has a bias: BSRN-S has one, BSRN has none.
    replication : int
        Number of copies of the input along channels.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        activation: nn.Module | None = None,
        pointwise_bias: bool = False,
        replication: int = 1,
    ) -> None:
        super().__init__()
        self.replication = replication
        self.activation, self.slope = activation_of(activation or nn.Identity())
        self.pointwise = conv1x1(replication * inputs, outputs, bias=pointwise_bias)
        self.depthwise = depthwise(outputs)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (N, inputs, H, W) and a residual to (N, outputs, H, W)."""
        mix, spread = self.pointwise, weight_and_bias(self.depthwise)
        fused = self.activation if self.activation in FUSED else "none"
        y = bsconv(x, mix.weight, mix.bias, *spread, residual, fused, self.replication)
        return y if self.activation in FUSED else activated(y, self.activation, self.slope)


class BSConvS(BSConv):
    """Blueprint separable convolution, form S: two 1x1 convolutions, then a depthwise 3x3.

    Between the two 1x1 convolutions are fewer channels.

    Parameters
    ----------
    inputs, outputs : int
        Channels before and after both 1x1 convolutions.
    activation : nn.Module, optional
        Activation of the result; one that `blocks.activation_of` accepts.
    replication : int
        Number of copies of the input along channels.
    """

    def __init__(
        self, inputs: int, outputs: int, *, activation: nn.Module | None = None,
        replication: int = 1,
    ) -> None:  # fmt: skip
        inputs *= replication
        super().__init__(middle(inputs), outputs, activation=activation)
        self.repeat = Repeat(replication)
        self.narrow = conv1x1(inputs, middle(inputs), bias=False)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (N, inputs, H, W) and a residual to (N, outputs, H, W)."""
        return super().forward(self.narrow(self.repeat(x)), residual)


class DSConv(nn.Module):
    """Depthwise separable convolution: a 3x3 in each channel, then a 1x1 without a bias.

    Parameters
    ----------
    inputs, outputs : int
        Channels before and after the 1x1 convolution.
    activation : nn.Module, optional
        Activation of the result; one that `blocks.activation_of` accepts.
    replication : int
        Number of copies of the input along channels.
    """

    def __init__(
        self, inputs: int, outputs: int, *, activation: nn.Module | None = None,
        replication: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        inputs *= replication
        self.repeat = Repeat(replication)
        self.activation, self.slope = activation_of(activation or nn.Identity())
        self.depthwise = depthwise(inputs)
        self.pointwise = conv1x1(inputs, outputs, bias=False)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (N, inputs, H, W) and a residual to (N, outputs, H, W)."""
        spread = depthwise_gelu(self.repeat(x), *weight_and_bias(self.depthwise), activation="none")
        return pointwise_sum(
            spread,
            self.pointwise.weight,
            residual=residual,
            activation=self.activation,
            slope=self.slope,
        )


class PooledBSConv(nn.Module):
    """BSConv whose depthwise half has stride 2 and no padding, followed by ESA's pooling.

    Parameters
    ----------
    inner : int
        Channels E.
    between : int, optional
        Input channels of the 1x1 convolution; by default E.
    """

    def __init__(self, inner: int, *, between: int | None = None) -> None:
        super().__init__()
        self.pointwise = conv1x1(between or inner, inner, bias=False)
        self.depthwise = depthwise(inner, stride=2, padding=0)

    def forward(self, squeezed: Tensor) -> Tensor:
        """Return the pooled cells, (N, E, h, w), of (N, E, H, W)."""
        return esa_pool(squeezed, *weight_and_bias(self.depthwise), self.mixing())

    def mixing(self) -> Tensor:
        """Return the weight of the 1x1 convolution, (E, E, 1, 1)."""
        return self.pointwise.weight


class PooledBSConvS(PooledBSConv):
    """Like `PooledBSConv`, with BSConvS in place of BSConv.

    Parameters
    ----------
    inner : int
        Channels E.
    """

    def __init__(self, inner: int) -> None:
        super().__init__(inner, between=middle(inner))
        self.narrow = conv1x1(inner, middle(inner), bias=False)

    def mixing(self) -> Tensor:
        """Return the product of the weights of both 1x1 convolutions, (E, E, 1, 1)."""
        wide, narrow = self.pointwise.weight[..., 0, 0], self.narrow.weight[..., 0, 0]
        return (wide @ narrow)[..., None, None]


class PooledDSConv(nn.Module):
    """Like `PooledBSConv`, with DSConv in place of BSConv.

    Parameters
    ----------
    inner : int
        Channels E.
    """

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.depthwise = depthwise(inner, stride=2, padding=0)
        self.pointwise = conv1x1(inner, inner, bias=False)

    def forward(self, squeezed: Tensor) -> Tensor:
        """Return the pooled cells, (N, E, h, w), of (N, E, H, W)."""
        # no kernel computes a 3x3, a 1x1 and the pooling in this order
        return functional.max_pool2d(self.pointwise(self.depthwise(squeezed)), 7, stride=3)


@dataclass(frozen=True)
class Separable:
    """The layers of one kind of separable 3x3 convolution."""

    convolution: Callable[..., nn.Module]
    """Takes (inputs, outputs), `activation` and `replication`; returns a layer that keeps the size
    and takes a residual."""
    pool: Callable[[int], nn.Module]
    """Takes channels; returns ESA's strided convolution with pooling."""


SEPARABLE = {
    "bsconv_u": Separable(BSConv, PooledBSConv),
    "bsconv_s": Separable(BSConvS, PooledBSConvS),
    "dsconv": Separable(DSConv, PooledDSConv),
}
