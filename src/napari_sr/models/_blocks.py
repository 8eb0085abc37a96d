"""Parts that several networks share.

Letters: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from torch import Tensor, nn

from napari_sr.models._network import StateDict


def conv3x3(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size: (N, inputs, H, W) to (N, outputs, H, W)."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


def conv1x1(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Return a 1x1 convolution: (N, inputs, H, W) to (N, outputs, H, W)."""
    return nn.Conv2d(inputs, outputs, 1, bias=bias)


def reach_in_small_pixels(reach: int, scale: int) -> int:
    """Convert a radius in pixels of the enlarged image to the radius in LR pixels that it needs."""
    return (reach + scale - 1) // scale


Rule: TypeAlias = tuple[str, str | Callable[[re.Match[str]], str]]
"""A regular expression, and what it is replaced by in a key."""


def rename(state: StateDict, rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Return a state with its keys rewritten by (pattern, replacement) pairs, in order."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        new = key
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        renamed[new] = value
    return renamed


def shape_of(state: StateDict, key: str) -> tuple[int, ...]:
    """Return the shape of one tensor of a state, or () where the key is missing."""
    return tuple(state[key].shape) if key in state else ()


def count(state: StateDict, pattern: str) -> int:
    """Return one more than the largest number that group 1 of a pattern matches in the keys."""
    found = [int(match[1]) for key in state if (match := re.match(pattern, key))]
    return max(found, default=-1) + 1


def scale_of_shuffle(outputs: int, channels: int) -> int | None:
    """Return S where a pixel shuffle turns `outputs` = channels * S * S features into an image."""
    if channels < 1 or outputs % channels:
        return None
    scale = math.isqrt(outputs // channels)
    return scale if scale >= 1 and scale * scale * channels == outputs else None
