"""IMDN: information multi-distillation network.

Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network",
ACM Multimedia 2019, https://arxiv.org/abs/1909.11856

Letters: N images, C image channels, H x W pixels, S scale.
As in the released code, the channel gate stands before a block's 1x1 fusion, not after it.
The baseline of the NTIRE 2022 challenge is another network: `imdn_ntire`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import Link, Step
from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.attention import ContrastGate
from napari_sr.layers.blocks import Activated3x3, conv1x1, rename, weight_and_bias
from napari_sr.layers.distillation import DistillationNetwork, reduction_of, trunk_options
from sr_kernels.pointwise_sum import pointwise_sum

if TYPE_CHECKING:
    from collections.abc import Iterator


class SplitDistillation(nn.Module):
    """Three 3x3, each leaving a quarter of its channels behind, and a last one for the rest.

    Parameters
    ----------
    features : int
        Width C, a multiple of 4.
    activation : nn.Module
        Follows the first three.
    """

    RADIUS = 4
    """Four 3x3 in a row."""

    def __init__(self, *, features: int, activation: nn.Module) -> None:
        super().__init__()
        distilled = features // 4
        remaining = features - distilled
        self.split = (distilled, remaining)
        self.refine = nn.ModuleList(
            Activated3x3(inputs, features, activation=activation)
            for inputs in (features, remaining, remaining)
        )
        self.last = Activated3x3(remaining, distilled, activation=nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Return the four distilled parts of (N, C, H, W), concatenated: the same shape."""
        parts = []
        for refine in self.refine:
            part, x = refine(x).split(self.split, dim=1)
            parts.append(part)
        return torch.cat([*parts, self.last(x)], dim=1)


class Block(nn.Module):
    """Distillation, channel gate, 1x1, skip, of (N, C, H, W): the paper's IMDB.

    Parameters
    ----------
    features, reduction : int
        Width, and how many times narrower the channel gate is inside.
    activation : nn.Module
        Of the distillation.
    """

    def __init__(self, *, features: int, reduction: int, activation: nn.Module) -> None:
        super().__init__()
        self.front = SplitDistillation(features=features, activation=activation)
        self.channel = ContrastGate(features=features, reduction=reduction)
        self.fuse = conv1x1(features, features)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that make plane `y` of plane `x`."""
        yield Step(self.front, (x,), ("parts",), SplitDistillation.RADIUS)
        yield self.channel.link("parts", "gate")
        yield Step(self.compute_end, ("parts", x), (y,), uses=("gate",))

    def compute_end(self, parts: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Gate the channels of (N, C, H, W), mix them and add the block's skip."""
        return pointwise_sum(parts, *weight_and_bias(self.fuse), gate, residual=x)


class IMDN(DistillationNetwork):
    """Multi-distillation blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width, a multiple of 4, and depth; the paper has 64 and 6.
    reduction : int
        How many times narrower the channel gates are inside; the paper has 16.
    slope : float
        Of the leaky rectifiers.
    input_range : float
        The float maximum that the weights expect.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 6,
        reduction: int = 16,
        slope: float = 0.05,
        input_range: float = 1.0,
    ) -> None:
        activation = nn.LeakyReLU(slope)
        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            features=features,
            blocks=(
                Block(features=features, reduction=reduction, activation=activation)
                for _ in range(blocks)
            ),
            convolution=Activated3x3,
            activation=activation,
        )


KEYS = (
    (r"^fea_conv\.", "head."),
    (r"^IMDB(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"\.c([123])\.", lambda match: f".front.refine.{int(match[1]) - 1}."),
    (r"\.c4\.", ".front.last."),
    (r"\.c5\.", ".fuse."),
    (r"\.cca\.conv_du\.0\.", ".channel.squeeze."),
    (r"\.cca\.conv_du\.2\.", ".channel.excite."),
    (r"^c\.0\.", "fuse."),
    (r"^LR_conv\.", "merge."),
    (r"^upsampler\.0\.", "tail."),
)
"""The authors' keys, and ours."""


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's own."""
    return rename(state, KEYS) if "IMDB1.c1.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Read IMDN's constructor arguments off a checkpoint, or None if it is not an IMDN."""
    trunk, reduction = trunk_options(state, "head.weight"), reduction_of(state)
    return {**trunk, "reduction": reduction} if trunk and reduction else None


ARCHITECTURE = Architecture(
    network=IMDN,
    title="IMDN",
    summary="Light and quick; a classic of efficient super-resolution.",
    paper="https://arxiv.org/abs/1909.11856",
    year=2019,
    forms=(Variant("IMDN"),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": 4},
)
