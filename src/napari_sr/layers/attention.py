"""Attention to the whole image, computed by local steps and small global values.

CCA: contrast-aware channel attention, Hui et al., 2019, https://arxiv.org/abs/1909.11856
ESA: enhanced spatial attention, Liu et al., 2020, https://arxiv.org/abs/2009.11551

Symbols: N images, C features, H x W pixels, E features inside ESA.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from napari_sr.graph.chain import GlobalStats, Link, PooledGrid, Step, Window
from napari_sr.layers.blocks import Activated3x3, conv1x1, weight_and_bias
from napari_sr.layers.separable import BSConv
from sr_kernels.contrast_gate import contrast_gate
from sr_kernels.esa_low import esa_low
from sr_kernels.esa_moments import esa_moments
from sr_kernels.esa_pool import PITCH, REACH, esa_pool
from sr_kernels.esa_tail import esa_tail, sample_bilinear
from sr_kernels.gated_residual import gated_residual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ESA_LEAST_SIZE = REACH
"""Smallest side of an image: ESA's strided 3x3 and 7x7 pooling need at least this."""
LOW_RADIUS = 3
"""Radius of ESA's three 3x3 convolutions of the pooled plane together, in cells."""


class ContrastGate(nn.Module):
    """CCA: gate each channel of (N, C, H, W) by its mean plus standard deviation.

    Parameters
    ----------
    features : int
        Channels C.
    reduction : int
        Ratio of C to the number of channels inside the gate.

    Raises
    ------
    ValueError
        If no channel would remain inside.
    """

    def __init__(self, *, features: int, reduction: int) -> None:
        super().__init__()
        if not 1 <= reduction <= features:
            raise ValueError(
                "a channel gate needs a reduction from 1 to its number of features, "
                f"got {features} features and reduction={reduction}"
            )
        self.squeeze = conv1x1(features, features // reduction)
        self.excite = conv1x1(features // reduction, features)

    def forward(self, mean: Tensor, deviations: Tensor, pixels: int) -> Tensor:
        """Return the gates, (N, C, 1, 1), of channels with these moments, (N, C, 1, 1)."""
        return contrast_gate(mean, deviations, pixels, *self.weights())

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return weight and bias of `squeeze`, then of `excite`, as the kernels take them."""
        return *weight_and_bias(self.squeeze), *weight_and_bias(self.excite)

    def link(self, reads: str, writes: str) -> GlobalStats:
        """Return the link that gathers the gates from a whole plane."""
        return GlobalStats(reads, writes, self)

    def links(self, x: str, y: str, *, skip: str | None = None) -> Iterator[Link]:
        """Yield the links that compute plane `y`: plane `x`, gated, plus plane `skip` if given."""
        yield self.link(x, "gate")
        reads = (x,) if skip is None else (x, skip)
        yield Step(_gate, reads, (y,), uses=("gate",))


def _gate(x: Tensor, *skip_and_gate: Tensor) -> Tensor:
    *skip, gate = skip_and_gate
    return gated_residual(x, gate, *skip)


class PooledConv(nn.Conv2d):
    """ESA's 3x3 convolution of stride 2 without padding, followed by its pooling.

    Parameters
    ----------
    inner : int
        Channels E.
    """

    def __init__(self, inner: int) -> None:
        super().__init__(inner, inner, 3, stride=2)

    def forward(self, squeezed: Tensor) -> Tensor:
        """Return the pooled cells, (N, E, h, w), of (N, E, H, W)."""
        return esa_pool(squeezed, *weight_and_bias(self))


class SpatialGate(nn.Module):
    """ESA: gate each pixel of (N, C, H, W) by a pooled, convolved and enlarged copy.

    Parameters
    ----------
    features, inner : int
        Channels C outside and E inside.
    pool : nn.Module
        Maps (N, E, H, W) to pooled cells, (N, E, h, w), one for every 6 x 6 pixels.
    activated, plain : callable
        Make the convolutions of the pooled plane: `activated` the first two, `plain` the last one.
        Both are called with (E, E), and return a module that keeps the size.
    """

    def __init__(
        self,
        *,
        features: int,
        inner: int,
        pool: nn.Module,
        activated: Callable[[int, int], nn.Module],
        plain: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        self.squeeze = conv1x1(features, inner)
        self.pool = pool
        self.low = nn.Sequential(
            activated(inner, inner), activated(inner, inner), plain(inner, inner)
        )
        self.skip = conv1x1(inner, inner)
        self.excite = conv1x1(inner, features)

    def link(self, reads: str, writes: str) -> PooledGrid:
        """Return the link that gathers the pooled, convolved plane from the squeezed plane."""
        return PooledGrid(reads, writes, self.pool, PITCH, REACH, self.convolve_low, LOW_RADIUS)

    def convolve_low(self, cells: Tensor) -> Tensor:
        """Convolve all pooled cells, (N, E, h, w), by one kernel if possible."""
        arguments = _arguments_of(self.low)
        result: Tensor = self.low(cells) if arguments is None else esa_low(cells, *arguments)
        return result

    def links(
        self, x: str, squeezed: str, y: str, *, channel: ContrastGate | None = None
    ) -> Iterator[Link]:
        """Yield the links that compute the gated plane `y` from planes `x` and `squeezed`.

        With `channel`, the last step also returns the moments for that channel gate. The link of
        the channel gate must then be the next one that gathers moments from `y`.
        """
        yield self.link(squeezed, "low")
        compute = self if channel is None else partial(self.with_moments, channel)
        gathers = channel is not None
        yield Step(
            compute,
            (x, squeezed),
            (y,),
            uses=("low",),
            placed=True,
            localise=enlarged_low,
            moments=gathers,
        )

    def forward(self, x: Tensor, squeezed: Tensor, low: Tensor, window: Window) -> Tensor:
        """Gate a piece.

        Parameters
        ----------
        x, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
            The piece, and the result of `squeeze` for it.
        low : Tensor, (N, E, h, w)
            The whole pooled, convolved plane.
        window : Window
            The position of the piece in the plane.

        Returns
        -------
        Tensor, (N, C, H, W)
        """
        return esa_tail(x, squeezed, low, *self.weights(), *window.place)

    def with_moments(
        self, channel: ContrastGate, x: Tensor, squeezed: Tensor, low: Tensor, window: Window
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gate a piece; also return the result's moments and channel gate (see `Step.moments`)."""
        return esa_moments(x, squeezed, low, *self.weights(), *channel.weights(), *window.place)

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return weight and bias of `skip`, then of `excite`, as the kernels take them."""
        return *weight_and_bias(self.skip), *weight_and_bias(self.excite)


def enlarged_low(low: Tensor, window: Window) -> Tensor:
    """Enlarge ESA's pooled, convolved plane to the pixels of a piece.

    Parameters
    ----------
    low : Tensor, (N, E, h, w)
        The whole pooled, convolved plane.
    window : Window
        The position of the piece in the plane.

    Returns
    -------
    Tensor, (N, E, H, W)
    """
    return sample_bilinear(low, window.height, window.width, window.place)


def _arguments_of(low: nn.Sequential) -> list[Any] | None:
    """Return the arguments of `esa_low` after the cells; None if it cannot run these modules."""
    weights: list[Tensor | None] = []
    activations: list[tuple[str, float]] = []
    for convolution in low:
        if type(convolution) is BSConv:  # not BSConvS, which has two 1x1 convolutions
            mix = convolution.pointwise
            weights += [*weight_and_bias(convolution.depthwise), mix.weight, mix.bias]
        elif type(convolution) is Activated3x3:
            weights += [*weight_and_bias(convolution), None, None]
        else:
            return None
        activations.append((convolution.activation, convolution.slope))
    first, second, last = activations
    return [*weights, *first] if first == second and last == ("none", 0.0) else None
