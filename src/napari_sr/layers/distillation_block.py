"""The block that RFDN and BSRN share: distillation, spatial gate, channel gate, skip.

Liu et al., 2020, https://arxiv.org/abs/2009.11551; Li et al., 2022,
https://arxiv.org/abs/2205.05996

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import Link, Step
from napari_sr.layers.blocks import activation_of, conv1x1, weight_and_bias
from sr_kernels.esdb_tail import esdb_tail, refine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_sr.layers.attention import ContrastGate, SpatialGate

_Weights: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""Weight and bias of four 1x1 convolutions."""


class Distillation(nn.Module):
    """The first part of RFDN's and BSRN's blocks, which is local.

    Three 3x3 convolutions with skips refine the features in series. From the input of each, a 1x1
    convolution distils half as many features. A fourth 3x3 convolution distils the refined
    features, and a 1x1 convolution fuses all that was distilled.

    Parameters
    ----------
    features : int
        Width C of the block; each distilled part has half of it.
    convolution : callable
        Takes (inputs, outputs); returns a 3x3 convolution with an activation, which keeps the size
        and takes a residual.
    activation : nn.Module
        Activation after every 1x1 distillation; one that `blocks.activation_of` accepts.
    """

    RADIUS = 4
    """Four 3x3 convolutions in a row."""

    def __init__(
        self,
        *,
        features: int,
        convolution: Callable[[int, int], nn.Module],
        activation: nn.Module,
    ) -> None:
        super().__init__()
        distilled = features // 2
        self.distil = nn.ModuleList(conv1x1(features, distilled) for _ in range(3))
        self.refine = nn.ModuleList(convolution(features, features) for _ in range(3))
        self.last = convolution(features, distilled)
        self.fuse = conv1x1(4 * distilled, features)
        self.activation, self.slope = activation_of(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return refine(*self._planes(x), *self._weights(), self.activation, self.slope)

    def refine_and_squeeze(self, x: Tensor, squeeze: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and their 1x1 convolution by `squeeze`."""
        squeezing = weight_and_bias(squeeze)
        activation, slope = self.activation, self.slope
        return esdb_tail(*self._planes(x), *self._weights(), *squeezing, activation, slope)

    def _planes(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the three planes that 1x1 convolutions distil, and the last distilled part."""
        first = self.refine[0](x, x)
        second = self.refine[1](first, first)
        return x, first, second, self.last(self.refine[2](second, second))

    def _weights(self) -> _Weights:
        """Return weight and bias of every distillation, then of the fusion."""
        x, first, second = (weight_and_bias(cast("nn.Conv2d", layer)) for layer in self.distil)
        return *x, *first, *second, *weight_and_bias(self.fuse)


class Block(nn.Module):
    """Distillation with optional spatial gate, channel gate and skip, of (N, C, H, W).

    Parameters
    ----------
    front : Distillation
        The distillation, whose result is gated.
    spatial : SpatialGate, optional
        ESA.
    channel : ContrastGate, optional
        CCA, after ESA.
    skip : bool
        Whether to add the block's input to its output.
    """

    def __init__(
        self,
        front: Distillation,
        *,
        spatial: SpatialGate | None = None,
        channel: ContrastGate | None = None,
        skip: bool = True,
    ) -> None:
        super().__init__()
        self.front = front
        self.spatial = spatial
        self.channel = channel
        self.skip = skip

    @property
    def ends_in_gate(self) -> bool:
        """Whether the block ends in the channel gate and the skip, as `until_gate` requires."""
        return self.channel is not None and self.skip

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that compute plane `y` from plane `x`."""
        ends_here = self.channel is None and not self.skip
        refined = y if ends_here else "refined"
        yield from self._refined(x, refined)
        if self.channel is not None:
            yield from self.channel.links(refined, y, skip=x if self.skip else None)
        elif self.skip:
            yield Step(torch.add, (refined, x), (y,))

    def until_gate(self, x: str, refined: str, gate: str) -> Iterator[Link]:
        """Yield the links that compute `refined` and `gate`; the output is gate * refined + x."""
        yield from self._refined(x, refined)
        yield cast("ContrastGate", self.channel).link(refined, gate)

    def _refined(self, x: str, refined: str) -> Iterator[Link]:
        """Yield the links that compute `refined`, the input of the channel gate."""
        if self.spatial is None:
            yield Step(self.front, (x,), (refined,), Distillation.RADIUS)
            return
        planes = ("refined", "squeezed")
        yield Step(self._squeezed, (x,), planes, Distillation.RADIUS)
        yield from self.spatial.links(*planes, refined, channel=self.channel)

    def _squeezed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and ESA's squeezed features."""
        return self.front.refine_and_squeeze(x, cast("SpatialGate", self.spatial).squeeze)


BLOCK_KEYS = (
    (r"^fea_conv\.", "head."),
    (r"^B(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"\.c([123])_d\.", lambda match: f".front.distil.{int(match[1]) - 1}."),
    (r"\.c([123])_r\.", lambda match: f".front.refine.{int(match[1]) - 1}."),
    (r"(blocks\.\d+)\.c4\.", r"\1.front.last."),
    (r"(blocks\.\d+)\.c5\.", r"\1.front.fuse."),
    (r"\.esa\.conv1\.", ".spatial.squeeze."),
    (r"\.esa\.conv2\.", ".spatial.pool."),
    (r"\.esa\.conv_max\.", ".spatial.low.0."),
    (r"\.esa\.conv3\.", ".spatial.low.1."),
    (r"\.esa\.conv3_\.", ".spatial.low.2."),
    (r"\.esa\.conv_f\.", ".spatial.skip."),
    (r"\.esa\.conv4\.", ".spatial.excite."),
    (r"\.cca\.conv(?:_du)?\.0\.", ".channel.squeeze."),
    (r"\.cca\.conv(?:_du)?\.2\.", ".channel.excite."),
)
"""Patterns of the keys that RFDN's and BSRN's authors share, and our keys for them."""
BSRN_KEYS = (
    (r"\.pw1\.", ".narrow."),
    (r"\.pw2?\.", ".pointwise."),
    (r"\.dw\.", ".depthwise."),
    *BLOCK_KEYS,
    (r"^c1\.", "fuse."),
    (r"^c2\.", "merge."),
    (r"^upsampler\.upsampleOneStep\.0\.", "tail."),
)
"""Patterns of the keys of BSRN's and BSRN-S's authors, and our keys for them."""
REPLICATION = 4
"""Number of copies of the image along channels before BSRN's and BSRN-S's first convolution."""
