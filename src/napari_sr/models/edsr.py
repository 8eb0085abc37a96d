"""EDSR: enhanced deep residual network.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution",
CVPR Workshops 2017, https://arxiv.org/abs/1707.02921

Letters: N images, C image channels, H x W pixels, S scale.
The network subtracts the mean colour of the DIV2K photographs first and adds it last. The authors
store it as two frozen convolutions in a checkpoint, BasicSR in its code, this network in a buffer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    ResidualBlock,
    enlarger,
    options_of_blocks,
    reach_of_enlarger,
    rename,
    scale_of_enlarger,
    shape_of,
    width_of,
)

MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, in 0..1; only networks of three channels subtract it."""
WIDE = 256
"""Smallest width at which residuals are scaled by 0.1 (the paper, section 3.3)."""


class EDSR(Network):
    """Residual blocks without normalisation under one long skip, then sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 64 and 16 in the baseline, 256 and 32 in the paper's largest.
    res_scale : float, optional
        Factor of every block's result; None for 0.1 from 256 features on, otherwise 1.
    input_range : float
        The float maximum that the weights expect.
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
        input_range: float = 255.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if res_scale is None:
            res_scale = 0.1 if features >= WIDE else 1.0
        self.register_buffer("mean", mean_of(channels))
        self.head = Activated3x3(channels, features)
        self.blocks = nn.Sequential(
            *(ResidualBlock(features=features, factor=res_scale) for _ in range(blocks))
        )
        self.merge = Activated3x3(features, features)
        self.enlarge = enlarger(features, scale)
        self.tail = Activated3x3(features, channels)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        blocks, x = in_series(self.blocks, ResidualBlock.RADIUS, "shallow")
        # the 3x3 after the blocks, and the tail on the enlarged grid
        radius = 1 + reach_of_enlarger(self.scale, 1)
        end = Step(self._finish, (x, "shallow"), (RESULT,), radius, scale=self.scale)
        return (Step(self._start, (IMAGE,), ("shallow",), 1), *blocks, end)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head((image - self.mean) * self.input_range)
        return shallow

    def _finish(self, x: Tensor, shallow: Tensor) -> Tensor:
        deep = self.merge(x, shallow)
        result: Tensor = self.tail(self.enlarge(deep), factor=1 / self.input_range)
        return result + self.mean


def mean_of(channels: int) -> Tensor:
    """Return the mean colour for a number of channels, (1, C, 1, 1)."""
    mean = MEAN if channels == len(MEAN) else (0.0,) * channels
    return torch.tensor(mean).reshape(1, channels, 1, 1)


_OFFICIAL = (
    (r"^head\.0\.", "head."),
    (r"^body\.(\d+)\.body\.", r"blocks.\1.branch."),
    (r"^body\.\d+\.(weight|bias)$", r"merge.\1"),
    (r"^tail\.0\.", "enlarge."),
    (r"^tail\.1\.", "tail."),
)
_BASICSR = (
    (r"^conv_first\.", "head."),
    (r"^body\.(\d+)\.conv1\.", r"blocks.\1.branch.0."),
    (r"^body\.(\d+)\.conv2\.", r"blocks.\1.branch.2."),
    (r"^conv_after_body\.", "merge."),
    (r"^upsample\.", "enlarge."),
    (r"^conv_last\.", "tail."),
)
_SHIFTS = ("sub_mean.weight", "sub_mean.bias", "add_mean.weight", "add_mean.bias")


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' and BasicSR's keys to this network's own, and supply the mean."""
    if "conv_after_body.weight" in state:
        channels, _ = width_of(state, "conv_last.weight")
        return {**rename(state, _BASICSR), "mean": mean_of(channels)}
    if "body.0.body.0.weight" not in state:
        return state
    shift, white = _shift_of(state), _white_of(state)
    if shift is None:
        return state
    rest = {key: value for key, value in state.items() if key not in _SHIFTS}
    return {**rename(rest, _OFFICIAL), "mean": shift.reshape(1, -1, 1, 1) / (white or 1)}


def _shift_of(state: StateDict) -> Tensor | None:
    """Return the colour that the authors' frozen convolutions subtract and add again, (C).

    Zeros without such convolutions, as in forks for grey images; None if they do anything else.
    """
    _, channels = width_of(state, "head.0.weight")
    if not any(key in state for key in _SHIFTS):
        return torch.zeros(channels)
    square, line = (channels, channels, 1, 1), (channels,)
    if [shape_of(state, key) for key in _SHIFTS] != [square, line, square, line]:
        return None
    weights = torch.stack([state[key].flatten(1).float().cpu() for key in _SHIFTS[::2]])
    subtracted, added = (state[key].float().cpu() for key in _SHIFTS[1::2])
    shifts = torch.equal(weights, torch.eye(channels).expand(2, -1, -1))
    return added if shifts and torch.equal(added, -subtracted) else None


def _white_of(state: StateDict) -> float | None:
    """Return the input range in which the authors' shift is DIV2K's mean colour, or None."""
    shift = _shift_of(state)
    if shift is None or not len(shift):
        return None
    ratio = float(shift.mean()) / (sum(MEAN) / len(MEAN))
    if not 0 < ratio < math.inf:
        return None
    return min(_RANGES, key=lambda white: abs(math.log(ratio / white)))


_RANGES = (1.0, 255.0, 65535.0)
"""The values of white in floats, 8 bits and 16 bits. The mean colour shows which one a checkpoint
uses."""


def options_of(state: StateDict) -> Options | None:
    """Read EDSR's constructor arguments off a checkpoint, or None if it is not an EDSR."""
    options = options_of_blocks(state, scale_of_enlarger(state, "enlarge."))
    if options is None or "blocks.0.branch.0.weight" not in state:
        return None
    white = _white_of(state)
    return options if white is None else {**options, "input_range": white}


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
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
