"""IMDN_AS: one IMDN for any scale.

Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network",
ACM Multimedia 2019, https://arxiv.org/abs/1909.11856

Symbols: N images, C image channels, H x W pixels, S scale.
The authors' network takes an image of the result's size, and shrinks it 4 times by two strided
convolutions. A smaller image is first enlarged bicubically, as the author explains
(https://github.com/Zheng222/IMDN/issues/31). Here this enlargement is part of the network, which
thus maps LR to HR images like all other networks. The authors cut images whose size is not a
multiple of 4 into overlapping quarters; here such images are padded.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.blocks import rename
from napari_sr.layers.distillation import reduction_of, trunk_options
from napari_sr.layers.resize import imresize, radius_of
from napari_sr.models.imdn import IMDN, KEYS

if TYPE_CHECKING:
    from napari_sr.graph.chain import Link

SHRINKING = 4
"""The factor by which the head shrinks the enlarged image and the tail enlarges the features."""
REACH = 3
"""Number of enlarged pixels that two 3x3 convolutions of stride 2 read around the 4 x 4 pixels
of one feature."""


class StridedHead(nn.Module):
    """Bicubic enlargement, then two 3x3 convolutions of stride 2 with an activation between.

    Parameters
    ----------
    scale, channels, features : int
        Enlargement and channels of the image, and channels of the result.
    activation : nn.Module
        Activation after the first convolution.
    """

    def __init__(self, *, scale: int, channels: int, features: int, activation: nn.Module) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, features, 3, stride=2, padding=1)
        self.activation = activation
        self.second = nn.Conv2d(features, features, 3, stride=2, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, features, S * H / 4, S * W / 4)."""
        halved = self.activation(self.first(imresize(image, self.scale)))
        result: Tensor = self.second(halved)
        return result


class IMDNAS(IMDN):
    """Bicubic enlargement, and an IMDN that shrinks before it enlarges.

    Parameters
    ----------
    scale : int
        Enlargement (not stored in checkpoints); 1 for images that are already enlarged.
    channels, features, blocks, reduction, slope, input_range
        As in `IMDN`.
    """

    FACTOR = SHRINKING
    input_limits = None  # not measured beyond black and white

    @staticmethod
    def make_head(scale: int, channels: int, features: int, activation: nn.Module) -> nn.Module:
        """Return the enlargement and the two strided convolutions."""
        return StridedHead(scale=scale, channels=channels, features=features, activation=activation)

    def chain(self) -> Chain:
        """Return IMDN's links, converted from pixels of the features to pixels of the image."""
        links = super().chain()
        return tuple(self._on_the_features_grid(link) for link in links)

    def _on_the_features_grid(self, link: Link) -> Link:
        """Convert a link's radius and scale from pixels of the features to pixels of the image."""
        if not isinstance(link, Step):
            return link
        enters, leaves = IMAGE in link.reads, RESULT in link.writes
        radius = (
            radius_of(self.scale, REACH) if enters else math.ceil(link.radius / self.resolution)
        )
        return replace(link, radius=radius, scale=link.scale if leaves else self.resolution)


_KEYS = (
    (r"^fea_conv\.0\.", "head.first."),
    (r"^fea_conv\.2\.", "head.second."),
    *KEYS,
)


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys."""
    return rename(state, _KEYS) if "fea_conv.2.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer IMDN_AS's constructor arguments from a checkpoint; None if it is not an IMDN_AS.

    The scale cannot be inferred from it.
    """
    trunk, reduction = trunk_options(state, "head.first.weight"), reduction_of(state)
    if trunk is None or reduction is None or trunk.pop("scale") != SHRINKING:
        return None
    return {**trunk, "reduction": reduction}


ARCHITECTURE = Architecture(
    network=IMDNAS,
    title="IMDN_AS",
    summary="One network for any scale; its authors trained it on real photographs.",
    paper="https://arxiv.org/abs/1909.11856",
    year=2019,
    forms=(Variant("IMDN_AS"),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": 4},
)
