"""SPANV2: SPAN with learned attention and a direct path for the image.

Ren et al., "The Eleventh NTIRE 2026 Efficient Super-Resolution Challenge Report", CVPR Workshops
2026, https://arxiv.org/abs/2604.03198, team XiaomiMM

Symbols: N images, C features, c image channels, H x W pixels, S scale.
Unlike in SPAN, a 1x1 convolution computes the attention, the activation is ReLU, convolutions are
plain, and the image is not normalised. The authors' code runs the attention as a CUDA kernel of its
own; this is their form in plain PyTorch, which gives the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    conv1x1,
    count,
    rename,
    scale_of_shuffle,
    width_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Branch(nn.Module):
    """Three 3x3 convolutions with ReLUs between them.

    Parameters
    ----------
    inputs, features : int
        Channels before, and width C.
    bias : bool
        Whether the convolutions have biases.
    last : nn.Module
        Activation of the result.
    """

    def __init__(self, *, inputs: int, features: int, bias: bool, last: nn.Module) -> None:
        super().__init__()
        self.first = Activated3x3(inputs, features, activation=nn.ReLU(), bias=bias)
        self.second = Activated3x3(features, features, activation=nn.ReLU(), bias=bias)
        self.third = Activated3x3(features, features, activation=last, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, C, H, W)."""
        result: Tensor = self.third(self.second(self.first(x)))
        return result


class Block(Branch):
    """A branch whose sum with its input is multiplied by learned attention.

    Parameters
    ----------
    features, bias
        As in `Branch`.
    """

    RADIUS = 3

    def __init__(self, *, features: int, bias: bool) -> None:
        super().__init__(inputs=features, features=features, bias=bias, last=nn.Identity())
        self.attention = conv1x1(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        deep = super().forward(x)
        attention: Tensor = self.attention(deep)
        return (x + deep) * attention


class SPANV2(Network):
    """Blocks with learned attention beside the repeated image, then a separable convolution.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width, and number of blocks after the first branch: 32 and 4 in the challenge.
    bias : bool
        Whether the convolutions, except those of the attention, have biases.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 32,
        blocks: int = 4,
        bias: bool = False,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        pixels = channels * scale**2
        self.near = nn.Conv2d(channels, pixels, 3, padding=1, groups=channels, bias=False)
        self.head = Branch(inputs=channels, features=features, bias=bias, last=nn.ReLU())
        self.blocks = nn.Sequential(*(Block(features=features, bias=bias) for _ in range(blocks)))
        both = pixels + features
        self.depthwise = nn.Conv2d(both, both, 3, padding=1, groups=both, bias=bias)
        self.pointwise = conv1x1(both, pixels, bias=bias)
        self.shuffle = nn.PixelShuffle(scale)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        blocks, x = in_series(cast("Iterable[Block]", self.blocks), Block.RADIUS, "features")
        return (
            Step(self._start, (IMAGE,), ("near", "features"), Block.RADIUS),
            *blocks,
            Step(self._finish, ("near", x), (RESULT,), 1, scale=self.scale),
        )

    def _start(self, image: Tensor) -> tuple[Tensor, Tensor]:
        image = self.in_input_range(image)
        return self.near(image), self.head(image)

    def _finish(self, near: Tensor, x: Tensor) -> Tensor:
        fused = self.pointwise(self.depthwise(torch.cat((near, x), dim=1)))
        result: Tensor = self.shuffle(fused)
        # dividing by 1 would launch a kernel for nothing
        return result if self.input_range == 1 else result / self.input_range


_NAMES = (
    (r"^block_1\.", "head."),
    (r"^block_(\d+)\.", lambda match: f"blocks.{int(match[1]) - 2}."),
    (r"\.c1\.conv\.", ".first."),
    (r"\.c2\.conv\.", ".second."),
    (r"\.c3\.conv\.", ".third."),
    (r"\.guidance_map_conv\.", ".attention."),
    (r"^conv_near\.", "near."),
    (r"^(depthwise|pointwise)_conv\.", r"\1."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's."""
    return rename(state, _NAMES) if "conv_near.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer SPANV2's constructor arguments from a checkpoint; None if it is not a SPANV2."""
    features, channels = width_of(state, "head.first.weight")
    pixels, _ = width_of(state, "near.weight")
    scale = scale_of_shuffle(pixels, channels)
    if scale is None or not features:
        return None
    return {
        "scale": scale,
        "channels": channels,
        "features": features,
        "blocks": count(state, r"blocks\.(\d+)\."),
        "bias": "pointwise.bias" in state,
    }


ARCHITECTURE = Architecture(
    network=SPANV2,
    title="SPANV2",
    summary="Very small and fast; the fastest network of the NTIRE 2026 efficiency challenge.",
    paper="https://arxiv.org/abs/2604.03198",
    year=2026,
    forms=(Variant("SPANV2", (4,)),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 4, "blocks": 2},
)
