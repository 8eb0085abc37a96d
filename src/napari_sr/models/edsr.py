"""EDSR: enhanced deep residual network.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution",
CVPR Workshops 2017, https://arxiv.org/abs/1707.02921

Symbols: N images, C image channels, H x W pixels, S scale.
The network subtracts the mean colour of the DIV2K photographs first and adds it last. The authors'
checkpoints store the mean in two frozen convolutions, BasicSR has it in its source code, and this
network has it in a buffer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import Activated3x3, ResidualBlock, width_of
from napari_sr.layers.edsr_trunk import MEAN, adapt, mean_of, trunk_options, white_of
from napari_sr.layers.enlarger import enlarger, reach_of_enlarger, scale_of_enlarger

WIDE = 256
"""Smallest width at which residuals are scaled by 0.1 (the paper, section 3.3)."""
WHITE = 255.0
"""The value of white in the authors' code."""


class EDSR(Network):
    """Residual blocks without normalisation, one long skip, then sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 64 and 16 in the baseline, 256 and 32 in the paper's largest network.
    res_scale : float, optional
        Factor of every block's result. None means 0.1 for at least 256 features, otherwise 1.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    takes_noise : bool
        Whether one more input plane contains the level of the noise: see `Network.takes_noise`.
    """

    mean: Tensor

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 16,
        res_scale: float | None = None,
        input_range: float = WHITE,
        takes_noise: bool = False,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if res_scale is None:
            res_scale = 0.1 if features >= WIDE else 1.0
        self.takes_noise = takes_noise
        self.register_buffer("mean", mean_of(channels))
        self.head = Activated3x3(self.inputs, features)
        self.blocks = nn.Sequential(
            *(ResidualBlock(features=features, factor=res_scale) for _ in range(blocks))
        )
        self.merge = Activated3x3(features, features)
        self.enlarge = enlarger(features, scale)
        self.tail = Activated3x3(features, channels)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        blocks, x = in_series(self.blocks, ResidualBlock.RADIUS, "shallow")
        # the 3x3 convolution after the blocks, the enlargement, and the tail on the enlarged grid
        radius = 1 + reach_of_enlarger(self.scale, 1)
        end = Step(self._finish, (x, "shallow"), (RESULT,), radius, scale=self.scale)
        return (Step(self._start, (IMAGE,), ("shallow",), 1), *blocks, end)

    def _start(self, image: Tensor) -> Tensor:
        if self.takes_noise:
            colours, noise = image[:, : self.channels], image[:, self.channels :]
            image = torch.cat((colours - self.mean, noise), dim=1)
        else:
            image = image - self.mean
        shallow: Tensor = self.head(image * self.input_range)
        return shallow

    def _finish(self, x: Tensor, shallow: Tensor) -> Tensor:
        deep = self.merge(x, shallow)
        result: Tensor = self.tail(self.enlarge(deep), factor=1 / self.input_range)
        return result + self.mean


def options_of(state: StateDict) -> Options | None:
    """Infer EDSR's constructor arguments from a checkpoint; None if it is not an EDSR."""
    options = trunk_options(state, scale_of_enlarger(state, "enlarge."))
    channels, _ = width_of(state, "tail.weight")
    if options is None or options["channels"] != channels + 1:
        return options
    return {**options, "channels": channels, "takes_noise": True}


def in_grey(state: StateDict, inputs: int) -> StateDict:
    """Return the tensors of a network for grey that equals a colour network, with our keys.

    Its noise plane, if it has one, has no effect yet. Only pixels next to the border differ,
    because they see the zeros beyond it without the mean colour.
    """
    if width_of(state, "head.weight")[1] != len(MEAN) or "mean" not in state:
        return state
    white = white_of(state) or WHITE
    head, mean = state["head.weight"], state["mean"].flatten()
    more = head.new_zeros(len(head), inputs - 1, *head.shape[2:])
    black = torch.einsum("ochw,c->o", head, mean) * white
    return {
        **state,
        "mean": mean_of(1),
        "head.weight": torch.cat((head.sum(dim=1, keepdim=True), more), dim=1),
        "head.bias": state["head.bias"] - black,
        "tail.weight": state["tail.weight"].mean(dim=0, keepdim=True),
        "tail.bias": state["tail.bias"].mean(dim=0, keepdim=True) + mean.mean() * white,
    }


ARCHITECTURE = Architecture(
    network=EDSR,
    title="EDSR",
    summary="Strong and plain; large.",
    paper="https://arxiv.org/abs/1707.02921",
    year=2017,
    forms=(
        Variant("EDSR-baseline"),
        Variant("EDSR", options={"features": 256, "blocks": 32, "res_scale": 0.1}),
    ),
    options_of=options_of,
    adapt=adapt,
    in_grey=in_grey,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
