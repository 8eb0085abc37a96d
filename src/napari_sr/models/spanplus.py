"""SPANPlus: SPAN with several groups of blocks and another activation.

umzi2, "SPANPlus", 2024, https://github.com/umzi2/SPANPlus: code without a paper. It changes SPAN:
Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR Workshops
2024, https://arxiv.org/abs/2311.12770

Symbols: N images, C features, H x W pixels, S scale.
Unlike in SPAN, the activation is Mish, every group of blocks fuses its own features, and the image
is not normalised. Convolutions are folded as in SPAN. The last layer is a pixel shuffle or, by
default, samples features at computed positions (DySample). Their distance has no limit, so tiles of
such networks cannot be proven exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.foreign import HALO
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    SubPixel3x3,
    count,
    rename,
    scale_of_shuffle,
    width_of,
)
from napari_sr.layers.conv3xc import folded
from napari_sr.layers.dynamic_sampler import GROUPS, DynamicSampler
from napari_sr.layers.span_group import BLOCK_KEYS, Group

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


class SPANPlus(Network):
    """Groups of blocks with attention that has no weights, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features : int
        Width: 48 by default, 32 in the small network.
    groups : tuple of int
        Number of blocks in each group, at least 2; the published networks have one group of 6 or 4.
    sampled : bool
        Whether features are sampled at computed positions, instead of a pixel shuffle.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 48,
        groups: tuple[int, ...] = (6,),
        sampled: bool = False,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.head = Activated3x3(channels, features)
        self.groups = nn.ModuleList(
            Group(features=features, blocks=blocks, activation=nn.Mish()) for blocks in groups
        )
        self.exact = not sampled
        if sampled:
            self.sampler = DynamicSampler(features, channels, scale=scale)
        else:
            self.tail = SubPixel3x3(features, channels, scale=scale)

    def chain(self) -> Chain:
        """Return local steps, one for each block.

        If positions are computed, the last step's radius is assumed, as for networks of others.
        """
        steps = [Step(self._start, (IMAGE,), ("fused",), 1)]
        x = "fused"
        for number, group in enumerate(cast("Iterable[Group]", self.groups), start=1):
            steps += group.links(x, f"fused {number}")
            x = f"fused {number}"
        radius = 1 if self.exact else HALO
        return (*steps, Step(self._finish, (x,), (RESULT,), radius, scale=self.scale))

    @property
    def receptive_field(self) -> int | None:
        """Radius in LR pixels; None if positions are computed, because it has no limit."""
        return super().receptive_field if self.exact else None

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(self.in_input_range(image))
        return shallow

    def _finish(self, x: Tensor) -> Tensor:
        if not self.exact:
            sampled: Tensor = self.sampler(x)
            return sampled if self.input_range == 1 else sampled / self.input_range
        result: Tensor = self.tail(x, factor=1 / self.input_range)
        return result


def adapt(state: StateDict) -> StateDict:
    """Fold the re-parameterised convolutions, and rename the author's keys to this network's."""
    if "feats.1.conv_cat.weight" not in state:
        return state
    groups = range(1, count(state, r"feats\.(\d+)\."))
    for group in groups:
        if not any(key.startswith(f"feats.{group}.block_end.") for key in state):
            return state  # otherwise, a file that lacks the last block would open as a smaller one
    plain = folded(state)
    # the last block of a group comes after those that are numbered in the sequence `block_n`
    last = {str(group): count(state, rf"feats\.{group}\.block_n\.(\d+)\.") + 1 for group in groups}

    def end(match: re.Match[str]) -> str:
        return f"feats.{match[1]}.blocks.{last.get(match[1], 0)}."

    return rename(
        plain,
        (
            (r"^feats\.(\d+)\.block_1\.", r"feats.\1.blocks.0."),
            (r"^feats\.(\d+)\.block_end\.", end),
            (
                r"^feats\.(\d+)\.block_n\.(\d+)\.",
                lambda match: f"feats.{match[1]}.blocks.{int(match[2]) + 1}.",
            ),
            *BLOCK_KEYS,
            (r"^feats\.(\d+)\.conv_2\.", r"feats.\1.merge."),
            (r"^feats\.(\d+)\.conv_cat\.", r"feats.\1.fuse."),
            (r"^feats\.0\.", "head."),
            (r"^feats\.(\d+)\.", lambda match: f"groups.{int(match[1]) - 1}."),
            # without enlargement, the upsampler may be a convolution alone
            (r"^upsampler\.(?:0\.)?(weight|bias)$", r"tail.\1"),
            (r"^upsampler\.", "sampler."),
        ),
    )


def options_of(state: StateDict) -> Options | None:
    """Infer SPANPlus' constructor arguments from a checkpoint; None if it is not a SPANPlus."""
    features, channels = width_of(state, "head.weight")
    sampled = "sampler.offset.weight" in state
    outputs, _ = width_of(state, "sampler.offset.weight" if sampled else "tail.weight")
    scale = scale_of_shuffle(outputs, 2 * GROUPS if sampled else channels)
    groups = tuple(
        count(state, rf"groups\.{group}\.blocks\.(\d+)\.")
        for group in range(count(state, r"groups\.(\d+)\."))
    )
    if scale is None or not features or not groups or min(groups) < 2:
        return None
    found = {"scale": scale, "channels": channels, "features": features, "groups": groups}
    return {**found, "sampled": sampled}


ARCHITECTURE = Architecture(
    network=SPANPlus,
    title="SPANPlus",
    summary="Small and fast; SPAN with another activation, for community models.",
    paper="https://github.com/umzi2/SPANPlus",
    year=2024,
    forms=(
        Variant("SPANPlus", (2, 4), {"sampled": True}),
        Variant("SPANPlus-S", (2, 4), {"features": 32, "groups": (4,), "sampled": True}),
        Variant("SPANPlus-ST", (2, 4)),
        Variant("SPANPlus-STS", (2, 4), {"features": 32, "groups": (4,)}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "groups": (2, 3)},
)
