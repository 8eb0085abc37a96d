"""RFDN: residual feature distillation network.

Liu et al., "Residual Feature Distillation Network for Lightweight Image Super-Resolution",
ECCV Workshops 2020, https://arxiv.org/abs/2009.11551

Letters: N images, C image channels, H x W pixels, S scale.
Two forms go by this name, and tensors tell them apart. The released network, winner of AIM 2020,
has four blocks that end in ESA, without a skip around the block. The paper's has six that end in
CCA; whether with a skip its authors never published, so a re-implementation's skip is the default.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.models._attention import ESA_LEAST_SIZE, ContrastGate, PooledConv, SpatialGate
from napari_sr.models._blocks import Activated3x3, rename
from napari_sr.models._chain import Link, Step
from napari_sr.models._distillation import (
    BLOCK_KEYS,
    Distillation,
    DistillationNetwork,
    reduction_of,
    trunk_options,
)
from napari_sr.models._network import Architecture, Form, Options, StateDict
from sr_kernels.gated_residual import gated_residual

if TYPE_CHECKING:
    from collections.abc import Iterator


class SpatialBlock(nn.Module):
    """Distillation, spatial gate: the released network's block of (N, C, H, W).

    Parameters
    ----------
    features : int
        Width; the distilled parts have half of it, ESA a quarter.
    skip : bool
        Whether the block's input is added to its output.
    activation : nn.Module
        Of the distillation; ESA has plain rectifiers.
    """

    def __init__(self, *, features: int, skip: bool, activation: nn.Module) -> None:
        super().__init__()
        inner = features // 4
        self.skip = skip
        self.front = Distillation(
            features=features,
            convolution=partial(Activated3x3, activation=activation),
            activation=activation,
        )
        self.spatial = SpatialGate(
            features=features,
            inner=inner,
            pool=PooledConv(inner),
            activated=partial(Activated3x3, activation=nn.ReLU()),
            plain=Activated3x3,
        )

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that make plane `y` of plane `x`."""
        yield Step(self.compute_front, (x,), ("refined", "squeezed"), Distillation.RADIUS)
        yield self.spatial.link("squeezed", "low")
        reads, writes = ("refined", "squeezed"), ("gated",) if self.skip else (y,)
        yield Step(self.spatial, reads, writes, uses=("low",), placed=True)
        if self.skip:
            yield Step(torch.add, ("gated", x), (y,))

    def compute_front(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and what ESA squeezes out of them."""
        return self.front.refine_and_squeeze(x, self.spatial.squeeze)


class ChannelBlock(nn.Module):
    """Distillation, channel gate: the paper's block of (N, C, H, W).

    Parameters
    ----------
    features, reduction : int
        Width, and how many times narrower the channel gate is inside.
    skip : bool
        Whether the block's input is added to its output.
    activation : nn.Module
        Of the distillation.
    """

    def __init__(self, *, features: int, reduction: int, skip: bool, activation: nn.Module) -> None:
        super().__init__()
        self.skip = skip
        self.front = Distillation(
            features=features,
            convolution=partial(Activated3x3, activation=activation),
            activation=activation,
        )
        self.channel = ContrastGate(features=features, reduction=reduction)

    def chain(self, x: str, y: str) -> Iterator[Link]:
        """Yield the links that make plane `y` of plane `x`."""
        yield Step(self.front, (x,), ("refined",), Distillation.RADIUS)
        yield self.channel.link("refined", "gate")
        if self.skip:
            yield Step(self.compute_end, ("refined", x), (y,), uses=("gate",))
        else:
            yield Step(gated_residual, ("refined",), (y,), uses=("gate",))

    @staticmethod
    def compute_end(refined: Tensor, x: Tensor, gate: Tensor) -> Tensor:
        """Gate the channels of (N, C, H, W) and add the block's skip."""
        return gated_residual(refined, gate, x)


class RFDN(DistillationNetwork):
    """Residual distillation blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 50 and 4 as released, 48 and 6 in the paper (52 and 6 for its RFDN-L).
    reduction : int, optional
        How many times narrower CCA is inside, 4 in the paper; None for ESA.
    block_skip : bool, optional
        Whether a block's input is added to its output; None for yes with CCA, no with ESA.
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
        features: int = 50,
        blocks: int = 4,
        reduction: int | None = None,
        block_skip: bool | None = None,
        slope: float = 0.05,
        input_range: float = 255.0,
    ) -> None:
        activation = nn.LeakyReLU(slope)
        skip = reduction is not None if block_skip is None else block_skip

        def block() -> nn.Module:
            """Return one block of the form that was asked for."""
            if reduction is None:
                return SpatialBlock(features=features, skip=skip, activation=activation)
            return ChannelBlock(
                features=features, reduction=reduction, skip=skip, activation=activation
            )

        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            head=Activated3x3(channels, features),
            blocks=(block() for _ in range(blocks)),
            activation=activation,
            merge=Activated3x3(features, features),
            features=features,
        )
        self.least_size = ESA_LEAST_SIZE if reduction is None else 1


# the authors' keys; then those of the Fried Rice Lab, who re-implemented the paper's network
_RELEASED = (
    *BLOCK_KEYS,
    (r"^c\.0\.", "fuse."),
    (r"^LR_conv\.", "merge."),
    (r"^upsampler\.0\.", "tail."),
)
_REWRITTEN = (
    (r"^body\.(\d+)\.", r"blocks.\1."),
    *BLOCK_KEYS,
    (r"^body_tail\.0\.", "fuse."),
    (r"^lr_conv\.", "merge."),
    (r"^tail\.0\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the two public layouts of keys to this network's own."""
    if "B1.c1_d.weight" in state:
        return rename(state, _RELEASED)
    return rename(state, _REWRITTEN) if "body.0.c1_d.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Read RFDN's constructor arguments off a checkpoint, or None if it is not an RFDN."""
    trunk = trunk_options(state, "head.weight")
    if trunk is None or "blocks.0.front.last.weight" not in state:
        return None
    return {**trunk, "reduction": reduction_of(state)}


ARCHITECTURE = Architecture(
    network=RFDN,
    title="RFDN",
    summary="Balanced; the AIM 2020 efficiency winner, fast on graphics cards.",
    paper="https://arxiv.org/abs/2009.11551",
    year=2020,
    forms=(
        Form("RFDN (AIM 2020)", (4,)),
        Form("RFDN", options={"features": 48, "blocks": 6, "reduction": 4}),
        Form("RFDN-L", options={"features": 52, "blocks": 6, "reduction": 4}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": None},
)
