"""BSRN: blueprint separable residual network.

Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution",
CVPR Workshops 2022, https://arxiv.org/abs/2205.05996

Letters: N images, C image channels, H x W pixels, S scale.
As in the released code, the image enters four times (12 channels for RGB), and a block ends
in ESA, CCA and the block's skip.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.models._attention import ESA_LEAST_SIZE, ContrastGate, SpatialGate
from napari_sr.models._blocks import conv1x1, count, rename, scale_of_shuffle, shape_of
from napari_sr.models._chain import Link, Step
from napari_sr.models._distillation import DistillationNetwork
from napari_sr.models._network import Architecture, Options, StateDict

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
    stride, padding : int
        Of the depthwise half.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        pointwise_bias: bool = False,
        stride: int = 1,
        padding: int = 1,
    ) -> None:
        super().__init__()
        self.pointwise = conv1x1(inputs, outputs, bias=pointwise_bias)
        self.depthwise = nn.Conv2d(
            outputs, outputs, 3, stride=stride, padding=padding, groups=outputs
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), smaller where strided or unpadded."""
        result: Tensor = self.depthwise(self.pointwise(x))
        return result


class Distillation(nn.Module):
    """The local front of a block: three refinements, each leaving a distilled part behind.

    Parameters
    ----------
    features, distilled : int
        Width of the block, and of each distilled part.
    pointwise_bias : bool
        Passed on to every `BSConv`.
    """

    RADIUS = 4
    """Four depthwise 3x3 in a row."""

    def __init__(self, *, features: int, distilled: int, pointwise_bias: bool) -> None:
        super().__init__()
        self.distil = nn.ModuleList(conv1x1(features, distilled) for _ in range(3))
        self.refine = nn.ModuleList(
            BSConv(features, features, pointwise_bias=pointwise_bias) for _ in range(3)
        )
        self.last = BSConv(features, distilled, pointwise_bias=pointwise_bias)
        self.fuse = conv1x1(4 * distilled, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, features, H, W) to the same shape."""
        parts = []
        for distil, refine in zip(self.distil, self.refine, strict=True):
            parts.append(functional.gelu(distil(x)))
            x = functional.gelu(refine(x) + x)
        parts.append(functional.gelu(self.last(x)))
        result: Tensor = self.fuse(torch.cat(parts, dim=1))
        return result


class Block(nn.Module):
    """Distillation, spatial gate, channel gate, skip (the paper's ESDB).

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
        self.front = Distillation(features=features, distilled=features // 2, pointwise_bias=False)
        self.spatial = SpatialGate(
            features=features,
            inner=inner,
            convolution=BSConv,
            stride=BSConv(inner, inner, stride=2, padding=0),
            activation=nn.GELU(),
        )
        self.channel = ContrastGate(features=features, reduction=reduction)

    def chain(self) -> Iterator[Link]:
        """Yield the links that turn plane `x` into the next block's `x`."""
        yield Step(self.compute_front, ("x",), ("refined", "squeezed"), Distillation.RADIUS)
        yield self.spatial.link("squeezed", "low")
        reads = ("refined", "squeezed")
        yield Step(self.spatial, reads, ("refined",), uses=("low",), placed=True)
        yield self.channel.link("refined", "gate")
        yield Step(self.compute_end, ("refined", "x"), ("x",), uses=("gate",))

    def compute_front(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and what ESA squeezes out of them."""
        refined = self.front(x)
        return refined, self.spatial.squeeze(refined)

    @staticmethod
    def compute_end(refined: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Gate the channels of (N, C, H, W) and add the block's skip."""
        return refined * gate + x


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
            refine=BSConv(features, features),
            features=features,
            replication=REPLICATION,
        )


KEYS = (
    (r"\.pw\.", ".pointwise."),
    (r"\.dw\.", ".depthwise."),
    (r"^fea_conv\.", "head."),
    (r"^B(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"\.c([123])_d\.", lambda match: f".front.distil.{int(match[1]) - 1}."),
    (r"\.c([123])_r\.", lambda match: f".front.refine.{int(match[1]) - 1}."),
    (r"(blocks\.\d+)\.c4\.", r"\1.front.last."),
    (r"(blocks\.\d+)\.c5\.", r"\1.front.fuse."),
    (r"\.esa\.conv1\.", ".spatial.squeeze."),
    (r"\.esa\.conv2\.", ".spatial.stride."),
    (r"\.esa\.conv_max\.", ".spatial.low.0."),
    (r"\.esa\.conv3\.", ".spatial.low.2."),
    (r"\.esa\.conv3_\.", ".spatial.low.4."),
    (r"\.esa\.conv_f\.", ".spatial.skip."),
    (r"\.esa\.conv4\.", ".spatial.excite."),
    (r"\.cca\.conv_du\.0\.", ".channel.squeeze."),
    (r"\.cca\.conv_du\.2\.", ".channel.excite."),
    (r"^c1\.", "fuse."),
    (r"^c2\.", "refine."),
    (r"^upsampler\.upsampleOneStep\.0\.", "tail."),
)
"""The authors' keys, and ours."""


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's own."""
    return rename(state, KEYS) if "fea_conv.pw.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Read BSRN's constructor arguments off a checkpoint, or None if it is not a BSRN."""
    head = shape_of(state, "head.pointwise.weight")
    tail = shape_of(state, "tail.weight")
    gate = shape_of(state, "blocks.0.channel.squeeze.weight")
    if not (len(head) == len(tail) == len(gate) == 4) or head[1] % REPLICATION or not gate[0]:
        return None
    channels = head[1] // REPLICATION
    scale = scale_of_shuffle(tail[0], channels)
    if scale is None:
        return None
    return {
        "scale": scale,
        "channels": channels,
        "features": head[0],
        "blocks": count(state, r"blocks\.(\d+)\."),
        "reduction": gate[1] // gate[0],
    }


ARCHITECTURE = Architecture(
    network=BSRN,
    title="BSRN",
    summary="High quality for its size; the NTIRE 2022 complexity winner's full network.",
    paper="https://arxiv.org/abs/2205.05996",
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": 4},
)
