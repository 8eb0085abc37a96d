"""Attention that sees the whole image, cut into local steps and small global values.

CCA: contrast-aware channel attention, Hui et al., 2019, https://arxiv.org/abs/1909.11856
ESA: enhanced spatial attention, Liu et al., 2020, https://arxiv.org/abs/2009.11551

Letters: N images, C features, H x W pixels, E features inside ESA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from torch.nn import functional

from napari_sr.models._blocks import conv1x1
from napari_sr.models._chain import Cells, Moments, Window
from sr_kernels.contrast_gate import contrast_gate
from sr_kernels.esa_moments import esa_moments
from sr_kernels.esa_tail import esa_tail

if TYPE_CHECKING:
    from collections.abc import Callable

ESA_LEAST_SIZE = 15
"""ESA's strided 3x3 and its 7x7 pooling leave nothing of a smaller image."""


class ContrastGate(nn.Module):
    """CCA: gate each channel of (N, C, H, W) by its mean plus standard deviation.

    Parameters
    ----------
    features : int
        Channels C.
    reduction : int
        How many times narrower the gate is inside.
    """

    def __init__(self, *, features: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = conv1x1(features, features // reduction)
        self.excite = conv1x1(features // reduction, features)

    def forward(self, mean: Tensor, deviations: Tensor, pixels: int) -> Tensor:
        """Return the gates, (N, C, 1, 1), of channels with these moments, (N, C, 1, 1)."""
        # a convolution's bias may be missing; these have theirs
        squeeze_bias = cast("Tensor", self.squeeze.bias)
        excite_bias = cast("Tensor", self.excite.bias)
        squeeze, excite = self.squeeze.weight, self.excite.weight
        return contrast_gate(mean, deviations, pixels, squeeze, squeeze_bias, excite, excite_bias)

    def link(self, reads: str, writes: str) -> Moments:
        """Return the link that gathers the gates from a whole plane."""
        return Moments(reads, writes, self)


class SpatialGate(nn.Module):
    """ESA: gate each pixel of (N, C, H, W) by a pooled, convolved and enlarged copy.

    Parameters
    ----------
    features, inner : int
        Channels C outside and E inside.
    convolution : callable
        Makes the three convolutions of the pooled plane: (E, E) to a module that keeps the size.
    stride : nn.Module
        The 3x3 convolution of stride 2 without padding, E to E.
    activation : nn.Module
        Follows the first two convolutions of the pooled plane.
    """

    PITCH = 6
    """A pooled cell for every 6 pixels: stride 2, then stride 3."""
    REACH = 15
    """Rows and columns that a cell looks at: a 3x3 of stride 2 under a 7x7 of stride 3."""

    def __init__(
        self,
        *,
        features: int,
        inner: int,
        convolution: Callable[[int, int], nn.Module],
        stride: nn.Module,
        activation: nn.Module,
    ) -> None:
        super().__init__()
        self.squeeze = conv1x1(features, inner)
        self.stride = stride
        self.low = nn.Sequential(
            convolution(inner, inner),
            activation,
            convolution(inner, inner),
            activation,
            convolution(inner, inner),
        )
        self.skip = conv1x1(inner, inner)
        self.excite = conv1x1(inner, features)

    def pool(self, squeezed: Tensor) -> Tensor:
        """Return the pooled cells of (N, E, H, W), one for every 6 pixels."""
        return functional.max_pool2d(self.stride(squeezed), 7, stride=3)

    def link(self, reads: str, writes: str) -> Cells:
        """Return the link that gathers the convolved pooled plane from the squeezed plane."""
        return Cells(reads, writes, self.pool, self.PITCH, self.REACH, self.low)

    def forward(self, x: Tensor, squeezed: Tensor, low: Tensor, window: Window) -> Tensor:
        """Gate a piece.

        Parameters
        ----------
        x, squeezed : Tensor, (N, C, H, W) and (N, E, H, W)
            The piece, and what `squeeze` makes of it.
        low : Tensor, (N, E, h, w)
            The whole convolved pooled plane.
        window : Window
            Where the piece lies.

        Returns
        -------
        Tensor, (N, C, H, W)
        """
        return esa_tail(x, squeezed, low, *self.weights(), *window.place)

    def with_moments(
        self, x: Tensor, squeezed: Tensor, low: Tensor, window: Window
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gate a piece, and return its moments as well: see `Step.moments`."""
        return esa_moments(x, squeezed, low, *self.weights(), *window.place)

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return weight and bias of `skip`, then of `excite`, as the kernels take them."""
        # a convolution's bias may be missing; these have theirs
        skip_bias, excite_bias = cast("Tensor", self.skip.bias), cast("Tensor", self.excite.bias)
        return self.skip.weight, skip_bias, self.excite.weight, excite_bias
