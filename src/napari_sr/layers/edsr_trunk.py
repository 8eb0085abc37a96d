"""Shared by EDSR and MDSR: the mean colour, and the trunk's keys and options in checkpoints.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution",
CVPR Workshops 2017, https://arxiv.org/abs/1707.02921

Symbols: C image channels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.layers.blocks import options_of_blocks, rename, shape_of, width_of

if TYPE_CHECKING:
    from napari_sr.graph.network import Options, StateDict

MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, in 0..1; only networks of three channels subtract it."""


def mean_of(channels: int) -> Tensor:
    """Return DIV2K's mean colour for three channels, otherwise zeros, (1, C, 1, 1)."""
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
    """Rename the authors' and BasicSR's keys to ours, and add the mean colour."""
    if "conv_after_body.weight" in state:
        channels, _ = width_of(state, "conv_last.weight")
        return {**rename(state, _BASICSR), "mean": mean_of(channels)}
    if "body.0.body.0.weight" not in state:
        return state
    shift, white = _shift_of(state), white_of(state)
    if shift is None:
        return state
    rest = {key: value for key, value in state.items() if key not in _SHIFTS}
    return {**rename(rest, _OFFICIAL), "mean": shift.reshape(1, -1, 1, 1) / (white or 1)}


def _shift_of(state: StateDict) -> Tensor | None:
    """Return the colour, (C), that the authors' frozen convolutions subtract and add again.

    Return zeros if there are no such convolutions, as in forks for grey images, and None if they
    compute anything else.
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


def white_of(state: StateDict) -> float | None:
    """Return the value of white for which the authors' shift is DIV2K's mean colour, or None."""
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


def trunk_options(state: StateDict, scale: int | None) -> Options | None:
    """Infer scale, width, depth and input range from a checkpoint with our keys.

    Return None if it is another network, or `scale` is None.
    """
    options = options_of_blocks(state, scale)
    if options is None or "blocks.0.branch.0.weight" not in state:
        return None
    white = white_of(state)
    return options if white is None else {**options, "input_range": white}
