"""BSRN: blueprint separable residual network.

Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution",
CVPR Workshops 2022, https://arxiv.org/abs/2205.05996

Letters: N images, C image channels, H x W pixels, S scale.
As in the released code, the image enters four times (12 channels for RGB), and a block ends
in ESA, CCA and the block's skip.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from napari_sr.models._attention import ESA_LEAST_SIZE, ContrastGate, SpatialGate
from napari_sr.models._blocks import conv1x1, rename, weight_and_bias
from napari_sr.models._chain import Link, Step
from napari_sr.models._distillation import (
    BLOCK_KEYS,
    Distillation,
    DistillationNetwork,
    reduction_of,
    trunk_options,
)
from napari_sr.models._network import Architecture, Form, Options, StateDict
from sr_kernels.bsconv import bsconv
from sr_kernels.esa_pool import esa_pool
from sr_kernels.gated_residual import gated_residual

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLICATION = 4
"""How often the image is repeated along channels before the first convolution."""


class BSConv(nn.Module):
    """Blueprint separable convolution: a 1x1 over channels, then a depthwise 3x3.

    Haase and Amthor, 2020, https://arxiv.org/abs/2003.13549. Zero padding belongs to the
    depthwise half, so it pads what the pointwise half returns.

    Parameters
    ----------
    inputs, outputs : int
        Channels before and after the pointwise half.
    pointwise_bias : bool
        Whether the pointwise half has a bias (BSRN-S), or not (BSRN).
    activation : str
        "gelu" or "none", after all else.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        pointwise_bias: bool = False,
        activation: str = "none",
    ) -> None:
        super().__init__()
        self.activation = activation
        self.pointwise = conv1x1(inputs, outputs, bias=pointwise_bias)
        self.depthwise = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Map (N, inputs, H, W), and what is added before the activation, to (N, outputs, H, W)."""
        mix, spread = self.pointwise, self.depthwise
        return bsconv(
            x, mix.weight, mix.bias, spread.weight, spread.bias, residual, self.activation
        )


class PooledBSConv(nn.Module):
    """The same with a depthwise half of stride 2 and no padding, under the pooling of ESA.

    Parameters
    ----------
    inner : int
        Channels E.
    """

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.pointwise = conv1x1(inner, inner, bias=False)
        self.depthwise = nn.Conv2d(inner, inner, 3, stride=2, groups=inner)

    def forward(self, squeezed: Tensor) -> Tensor:
        """Return the cells of (N, E, H, W)."""
        return esa_pool(squeezed, *weight_and_bias(self.depthwise), self.pointwise.weight)


ActivatedBSConv = partial(BSConv, activation="gelu")


class Block(nn.Module):
    """Distillation, spatial gate, channel gate, skip, of (N, C, H, W): the paper's ESDB.

    Parameters
    ----------
    features : int
        Width; the distilled parts have half of it, ESA a quarter.
    reduction : int
        How many times narrower the channel gate is inside.
    """

    def __init__(self, *, features: int, reduction: int) -> None:
        super().__init__()
        inner = features // 4
        self.front = Distillation(
            features=features, convolution=ActivatedBSConv, activation=nn.GELU()
        )
        self.spatial = SpatialGate(
            features=features,
            inner=inner,
            pool=PooledBSConv(inner),
            activated=ActivatedBSConv,
            plain=BSConv,
        )
        self.channel = ContrastGate(features=features, reduction=reduction)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that make plane `y` of plane `x`."""
        yield Step(self.compute_front, (x,), ("refined", "squeezed"), Distillation.RADIUS)
        yield self.spatial.link("squeezed", "low")
        gate, reads = self.spatial.with_moments, ("refined", "squeezed")
        yield Step(gate, reads, ("refined",), uses=("low",), placed=True, moments=True)
        yield self.channel.link("refined", "gate")
        yield Step(self.compute_end, ("refined", x), (y,), uses=("gate",))

    def compute_front(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and what ESA squeezes out of them."""
        return self.front.refine_and_squeeze(x, self.spatial.squeeze)

    @staticmethod
    def compute_end(refined: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Gate the channels of (N, C, H, W) and add the block's skip."""
        return gated_residual(refined, gate, x)


class BSRN(DistillationNetwork):
    """Blueprint separable blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth; the paper has 64 and 8.
    reduction : int
        How many times narrower the channel gates are inside; the paper has 16.
    input_range : float
        The float maximum that the weights expect.
    """

    least_size = ESA_LEAST_SIZE

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 8,
        reduction: int = 16,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            head=BSConv(REPLICATION * channels, features),
            blocks=(Block(features=features, reduction=reduction) for _ in range(blocks)),
            activation=nn.GELU(),
            merge=BSConv(features, features),
            features=features,
            replication=REPLICATION,
        )


KEYS = (
    (r"\.pw\.", ".pointwise."),
    (r"\.dw\.", ".depthwise."),
    *BLOCK_KEYS,
    (r"^c1\.", "fuse."),
    (r"^c2\.", "merge."),
    (r"^upsampler\.upsampleOneStep\.0\.", "tail."),
)
"""The authors' keys, and ours."""


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's own."""
    return rename(state, KEYS) if "fea_conv.pw.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Read BSRN's constructor arguments off a checkpoint, or None if it is not a BSRN."""
    trunk = trunk_options(state, "head.pointwise.weight", REPLICATION)
    reduction = reduction_of(state)
    return {**trunk, "reduction": reduction} if trunk and reduction else None


ARCHITECTURE = Architecture(
    network=BSRN,
    title="BSRN",
    summary="High quality for its size; the NTIRE 2022 complexity winner's full network.",
    paper="https://arxiv.org/abs/2205.05996",
    year=2022,
    forms=(Form("BSRN"),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": 4},
)
