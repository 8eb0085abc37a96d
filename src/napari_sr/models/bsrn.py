"""BSRN: blueprint separable residual network.

Li et al., "Blueprint Separable Residual Network for Efficient Image Super-Resolution",
CVPR Workshops 2022, https://arxiv.org/abs/2205.05996

Symbols: N images, C image channels, H x W pixels, S scale.
As in the released code, the head repeats the image four times (12 channels for RGB), and a block
ends in spatial attention (ESA), channel attention (CCA) and the block's skip.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from torch import nn

from napari_sr.graph.network import Architecture, Options, StateDict, Variant
from napari_sr.layers.attention import ESA_LEAST_SIZE, ContrastGate, SpatialGate
from napari_sr.layers.blocks import rename, shape_of
from napari_sr.layers.distillation import DistillationNetwork, reduction_of, trunk_options
from napari_sr.layers.distillation_block import BSRN_KEYS, REPLICATION, Block, Distillation
from napari_sr.layers.separable import SEPARABLE, Separable

if TYPE_CHECKING:
    from collections.abc import Mapping

    Choice = TypeVar("Choice")

ACTIVATIONS = {
    "gelu": nn.GELU(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.05),
    "hard_swish": nn.Hardswish(),
}
"""Activations that the paper tries. It states no slope for the leaky ReLU; this is RFDN's."""


def distillation(features: int, separable: Separable, activation: nn.Module) -> Distillation:
    """Return the first part of a block, which maps (N, features, H, W) to the same shape."""
    convolution = partial(separable.convolution, activation=activation)
    return Distillation(features=features, convolution=convolution, activation=activation)


def spatial_gate(features: int, separable: Separable, activation: nn.Module) -> SpatialGate:
    """Return ESA with an inner width of a quarter of the features."""
    inner = features // 4
    return SpatialGate(
        features=features,
        inner=inner,
        pool=separable.pool(inner),
        activated=partial(separable.convolution, activation=activation),
        plain=separable.convolution,
    )


class BSRN(DistillationNetwork):
    """Blueprint separable blocks whose outputs are fused, then one sub-pixel upsampling.

    The options replace layers of the network, as in the paper's ablations. Without ESA and CCA, the
    network is purely convolutional. A checkpoint shows all options except the activation.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth; the paper has 64 and 8. Its BSRN-1 has RFDN's width and depth, 50 and 4;
        its BSRN-2 has RFDN's amount of computation, here approximated by 100 and 4.
    reduction : int, optional
        Ratio of the features to the channels inside CCA: 16 in the paper. None for no CCA.
    spatial : bool
        Whether blocks have ESA.
    convolution : str
        The kind of separable 3x3: "bsconv_u", "bsconv_s" or "dsconv" (see `layers/separable.py`).
    activation : str
        The activation of all layers: "gelu", "relu", "leaky_relu" or "hard_swish".
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.

    Raises
    ------
    ValueError
        If the convolution or the activation is unknown.
    """

    input_limits = (0.0, 1.0)

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 8,
        reduction: int | None = 16,
        spatial: bool = True,
        convolution: str = "bsconv_u",
        activation: str = "gelu",
        input_range: float = 1.0,
    ) -> None:
        separable = _choice("convolution", convolution, SEPARABLE)
        activate = _choice("activation", activation, ACTIVATIONS)

        def block() -> Block:
            """Return one block with the chosen options."""
            front = distillation(features, separable, activate)
            esa = spatial_gate(features, separable, activate) if spatial else None
            cca = None
            if reduction is not None:
                cca = ContrastGate(features=features, reduction=reduction)
            return Block(front, spatial=esa, channel=cca)

        super().__init__(
            scale=scale,
            channels=channels,
            input_range=input_range,
            features=features,
            blocks=(block() for _ in range(blocks)),
            convolution=separable.convolution,
            activation=activate,
            head=separable.convolution(channels, features, replication=REPLICATION),
        )
        self.least_size = ESA_LEAST_SIZE if spatial else 1


def _choice(option: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """Return the choice of this name for an option."""
    if name not in choices:
        raise ValueError(f"BSRN takes one of {', '.join(choices)}, got {option}={name!r}")
    return choices[name]


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys."""
    return rename(state, BSRN_KEYS) if "fea_conv.dw.weight" in state else state


def _convolution_of(state: StateDict, features: int) -> str:
    """Return the kind of separable 3x3 convolution, read off keys and shapes."""
    if "head.narrow.weight" in state:
        return "bsconv_s"
    last = shape_of(state, "blocks.0.front.last.depthwise.weight")
    return "dsconv" if last[:1] == (features,) else "bsconv_u"


def options_of(state: StateDict) -> Options | None:
    """Infer BSRN's constructor arguments from a checkpoint; None if it is not a BSRN."""
    narrow, pointwise = "head.narrow.weight", "head.pointwise.weight"
    trunk = trunk_options(state, narrow if narrow in state else pointwise, REPLICATION)
    if trunk is None:
        return None
    return {
        **trunk,
        "reduction": reduction_of(state),
        "spatial": "blocks.0.spatial.squeeze.weight" in state,
        "convolution": _convolution_of(state, trunk["features"]),
    }


ARCHITECTURE = Architecture(
    network=BSRN,
    title="BSRN",
    summary="High quality for its size; its small version won NTIRE 2022 for low complexity.",
    paper="https://arxiv.org/abs/2205.05996",
    year=2022,
    forms=(
        Variant("BSRN"),
        Variant("BSRN-1", (4,), {"features": 50, "blocks": 4}),
        Variant("BSRN-2", (4,), {"features": 100, "blocks": 4}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2, "reduction": 4},
)
