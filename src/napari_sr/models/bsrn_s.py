"""BSRN-S: the small BSRN of the NTIRE 2022 efficient super-resolution challenge.

Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution",
CVPR Workshops 2022, https://arxiv.org/abs/2205.05996

Symbols: N images, C image channels, H x W pixels, S scale.
The released network differs from BSRN in four ways: the 1x1 convolutions have a bias; the strided
convolution of the spatial attention (ESA) is an ordinary 3x3; a learned weight per channel and a
1x1 convolution replace the channel attention (CCA); and 1x1 convolutions are stored as matrices.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import Link, Step, Window
from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.attention import ESA_LEAST_SIZE, PooledConv, SpatialGate, enlarged_low
from napari_sr.layers.blocks import conv1x1, rename
from napari_sr.layers.distillation import DistillationNetwork, trunk_options
from napari_sr.layers.distillation_block import BSRN_KEYS, REPLICATION, Distillation
from napari_sr.layers.separable import BSConv
from sr_kernels.esa_mix import esa_mix

if TYPE_CHECKING:
    from collections.abc import Iterator

BiasedBSConv = partial(BSConv, pointwise_bias=True)
ActivatedBSConv = partial(BiasedBSConv, activation=nn.GELU())


class Block(nn.Module):
    """Distillation, spatial gate, channel weights, 1x1 convolution and skip, of (N, C, H, W).

    Parameters
    ----------
    features : int
        Width; the distilled parts have half of it, ESA a quarter.
    """

    def __init__(self, *, features: int) -> None:
        super().__init__()
        inner = features // 4
        self.front = Distillation(
            features=features, convolution=ActivatedBSConv, activation=nn.GELU()
        )
        self.spatial = SpatialGate(
            features=features,
            inner=inner,
            pool=PooledConv(inner),
            activated=ActivatedBSConv,
            plain=BiasedBSConv,
        )
        self.channel_weight = nn.Parameter(torch.empty(1, features).normal_(1, 0.2))
        self.mix = conv1x1(features, features)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that compute plane `y` from plane `x`."""
        yield Step(self.compute_front, (x,), ("refined", "squeezed"), Distillation.RADIUS)
        yield self.spatial.link("squeezed", "low")
        reads = ("refined", "squeezed", x)
        yield Step(self.compute_end, reads, (y,), uses=("low",), placed=True, localise=enlarged_low)

    def compute_front(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and ESA's squeezed features."""
        return self.front.refine_and_squeeze(x, self.spatial.squeeze)

    def compute_end(
        self, refined: Tensor, squeezed: Tensor, x: Tensor, low: Tensor, window: Window
    ) -> Tensor:
        """Gate pixels, weight and mix channels, and add the block's skip, (N, C, H, W)."""
        mixing = (self.channel_weight[0], self.mix.weight, cast("Tensor", self.mix.bias))
        place = window.place
        return esa_mix(refined, squeezed, low, x, *self.spatial.weights(), *mixing, *place)


class BSRNS(DistillationNetwork):
    """BSRN with fewer, narrower blocks and no contrast-aware channel attention.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth; the challenge's network has 48 and 5.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    least_size = ESA_LEAST_SIZE

    input_limits = (0.0, 1.0)

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 48,
        blocks: int = 5,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            features=features,
            blocks=(Block(features=features) for _ in range(blocks)),
            convolution=BiasedBSConv,
            activation=nn.GELU(),
            head=BiasedBSConv(channels, features, replication=REPLICATION),
        )


_KEYS = (*BSRN_KEYS, (r"\.cw$", ".channel_weight"), (r"\.conv_out\.", ".mix."))


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys, and reshape matrices to 1x1 kernels."""
    if "B1.cw" not in state:
        return state
    return {
        key: value[:, :, None, None] if key.endswith(".weight") and value.ndim == 2 else value
        for key, value in rename(state, _KEYS).items()
    }


def options_of(state: StateDict) -> Options | None:
    """Infer BSRN-S's constructor arguments from a checkpoint; None if it is not one."""
    weighted = "blocks.0.channel_weight" in state
    return trunk_options(state, "head.pointwise.weight", REPLICATION) if weighted else None


ARCHITECTURE = Architecture(
    network=BSRNS,
    title="BSRN-S",
    summary="Close to BSRN's quality at half its cost.",
    paper="https://arxiv.org/abs/2205.05996",
    year=2022,
    forms=(Variant("BSRN-S", (4,)),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
