"""RFDN: residual feature distillation network.

Liu et al., "Residual Feature Distillation Network for Lightweight Image Super-Resolution",
ECCV Workshops 2020, https://arxiv.org/abs/2009.11551

Symbols: N images, C image channels, H x W pixels, S scale.
Two networks with different tensors have this name. The released one, winner of AIM 2020, has four
blocks that end in spatial attention (ESA), without a skip around the block. The paper's network was
never released; according to its author (https://github.com/njulj/RFDN/issues/3), it has six blocks
that end in channel attention (CCA), with a skip around the block.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.attention import ESA_LEAST_SIZE, ContrastGate, PooledConv, SpatialGate
from napari_sr.layers.blocks import Activated3x3, rename
from napari_sr.layers.distillation import DistillationNetwork, reduction_of, trunk_options
from napari_sr.layers.distillation_block import BLOCK_KEYS, Block, Distillation


def distillation(features: int, activation: nn.Module) -> Distillation:
    """Return the first part of a block, which maps (N, features, H, W) to the same shape."""
    convolution = partial(Activated3x3, activation=activation)
    return Distillation(features=features, convolution=convolution, activation=activation)


def spatial_gate(features: int) -> SpatialGate:
    """Return ESA with an inner width of a quarter of the features, and with ReLU."""
    inner = features // 4
    return SpatialGate(
        features=features,
        inner=inner,
        pool=PooledConv(inner),
        activated=partial(Activated3x3, activation=nn.ReLU()),
        plain=Activated3x3,
    )


class RFDN(DistillationNetwork):
    """Residual distillation blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 50 and 4 as released, 48 and 6 in the paper (52 and 6 for its RFDN-L).
    reduction : int, optional
        Ratio of the features to the channels inside CCA: 4 in the paper. None for ESA instead.
    block_skip : bool, optional
        Whether to add a block's input to its output. None means yes with CCA, and no with ESA.
    slope : float
        Slope of the leaky ReLUs for negative values.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    input_limits = (0.0, 1.0)

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

        def block() -> Block:
            """Return one block with the chosen options."""
            front = distillation(features, activation)
            if reduction is None:
                return Block(front, spatial=spatial_gate(features), skip=skip)
            channel = ContrastGate(features=features, reduction=reduction)
            return Block(front, channel=channel, skip=skip)

        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            features=features,
            blocks=(block() for _ in range(blocks)),
            convolution=Activated3x3,
            activation=activation,
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
    """Rename the two public layouts of keys to this network's keys."""
    if "B1.c1_d.weight" in state:
        return rename(state, _RELEASED)
    return rename(state, _REWRITTEN) if "body.0.c1_d.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer RFDN's constructor arguments from a checkpoint; None if it is not an RFDN."""
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
        Variant("RFDN (AIM 2020)", (4,)),
        Variant("RFDN", options={"features": 48, "blocks": 6, "reduction": 4}),
        Variant("RFDN-L", options={"features": 52, "blocks": 6, "reduction": 4}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": None},
)
