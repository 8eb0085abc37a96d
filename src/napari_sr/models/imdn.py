"""IMDN: information multi-distillation network.

Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network",
ACM Multimedia 2019, https://arxiv.org/abs/1909.11856

Symbols: N images, C image channels, H x W pixels, S scale.
The blocks are in `layers/multi_distillation.py`. IMDN_AS, for any scale, is in `imdn_as`. The
baseline of the NTIRE 2022 challenge is another network, in `imdn_ntire`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from torch import nn

from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.blocks import Activated3x3, rename
from napari_sr.layers.distillation import DistillationNetwork, reduction_of, trunk_options
from napari_sr.layers.multi_distillation import Block


class IMDN(DistillationNetwork):
    """Multi-distillation blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width, a multiple of 4, and depth; the paper has 64 and 6.
    reduction : int
        Ratio of the features to the channels inside the channel gates: 16 in the paper.
    slope : float
        Slope of the leaky ReLUs for negative values.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    FACTOR: ClassVar[int | None] = None
    """Factor by which the tail enlarges the features; None means the scale."""

    input_limits: tuple[float, float] | None = (0.0, 1.0)

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
            head=self.make_head(scale, channels, features, activation),
            factor=self.FACTOR,
        )
        self.resolution = Fraction(scale, self.FACTOR or scale)
        """Number of feature pixels for one image pixel, along one axis."""
        self.multiple = self.resolution.denominator

    @staticmethod
    def make_head(scale: int, channels: int, features: int, activation: nn.Module) -> nn.Module:
        """Return the layer that maps an image, (N, channels, H, W), to features."""
        return Activated3x3(channels, features)


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
"""Patterns of the authors' keys, and our keys for them."""


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys."""
    return rename(state, KEYS) if "IMDB1.c1.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer IMDN's constructor arguments from a checkpoint; None if it is not an IMDN."""
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
