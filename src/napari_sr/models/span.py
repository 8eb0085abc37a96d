"""SPAN: swift parameter-free attention network.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR Workshops
2024, https://arxiv.org/abs/2311.12770

Symbols: N images, C features, H x W pixels, S scale.
Every 3x3 convolution except the last is re-parameterised during training (`layers/conv3xc.py`).
Here it is a plain convolution; checkpoints are folded. The authors' code subtracts the mean colour
of DIV2K from the image and multiplies it by 255, but its result is an image in 0..1. Community
checkpoints without this normalisation contain the tensor `no_norm`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    Rule,
    SubPixel3x3,
    count,
    rename,
    scale_of_shuffle,
    width_of,
)
from napari_sr.layers.conv3xc import folded
from napari_sr.layers.edsr_trunk import mean_of
from napari_sr.layers.span_group import BLOCK_KEYS, Group

WHITE = 255.0
"""Factor of the normalised image in the authors' code."""


class SPAN(Network):
    """Blocks with attention that has no weights, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 52 and 6 in the paper, 48 in its SPAN-S and in most community checkpoints.
    normalised : bool
        Whether the mean colour of DIV2K is subtracted from the image.
    input_range : float, optional
        The value of white that the weights expect; the result is in 0..1 in any case. None means
        255 for a normalised image, otherwise 1.
    """

    mean: Tensor

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 48,
        blocks: int = 6,
        normalised: bool = True,
        input_range: float | None = None,
    ) -> None:
        if input_range is None:
            input_range = WHITE if normalised else 1.0
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.normalised = normalised
        if normalised:
            self.register_buffer("mean", mean_of(channels), persistent=False)
        else:
            self.register_buffer("no_norm", torch.zeros(1))
        self.head = Activated3x3(channels, features)
        self.group = Group(features=features, blocks=blocks, activation=nn.SiLU())
        self.tail = SubPixel3x3(features, channels, scale=scale)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        return (
            Step(self._start, (IMAGE,), ("shallow",), 1),
            *self.group.links("shallow", "fused"),
            Step(self._finish, ("fused",), (RESULT,), 1, scale=self.scale),
        )

    def _start(self, image: Tensor) -> Tensor:
        shifted = image - self.mean if self.normalised else image
        shallow: Tensor = self.head(self.in_input_range(shifted))
        return shallow

    def _finish(self, fused: Tensor) -> Tensor:
        result: Tensor = self.tail(fused)
        return result


_NAMES: tuple[Rule, ...] = (
    (r"^conv_1\.", "head."),
    (r"^block_(\d+)\.", lambda match: f"group.blocks.{int(match[1]) - 1}."),
    *BLOCK_KEYS,
    (r"^conv_2\.", "group.merge."),
    (r"^conv_cat\.", "group.fuse."),
    (r"^upsampler\.0\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Fold the re-parameterised convolutions, and rename the authors' keys to this network's."""
    if "conv_cat.weight" not in state or "upsampler.0.weight" not in state:
        return state
    return rename(folded(state), _NAMES)


def options_of(state: StateDict) -> Options | None:
    """Infer SPAN's constructor arguments from a checkpoint; None if it is not a SPAN."""
    features, channels = width_of(state, "head.weight")
    _, fused = width_of(state, "group.fuse.weight")
    outputs, _ = width_of(state, "tail.weight")
    scale = scale_of_shuffle(outputs, channels)
    blocks = count(state, r"group\.blocks\.(\d+)\.first\.")
    if scale is None or not features or fused != 4 * features or not blocks:
        return None
    normalised = "no_norm" not in state
    found = {"scale": scale, "channels": channels, "features": features, "blocks": blocks}
    return {**found, "normalised": normalised}


ARCHITECTURE = Architecture(
    network=SPAN,
    title="SPAN",
    summary="Small and fast; the NTIRE 2024 efficiency winner, and many community models.",
    paper="https://arxiv.org/abs/2311.12770",
    year=2024,
    forms=(
        Variant("SPAN", (2, 4), {"features": 52}),
        Variant("SPAN-S", (2, 4)),
        Variant("SPAN (NTIRE 2026)", (4,), {"features": 28}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
