"""The enlargement that ends many networks: 3x3 convolutions with pixel shuffles, by 2 or 3 each.

Symbols: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

from napari_sr.layers.blocks import (
    SubPixel3x3,
    count,
    reach_in_small_pixels,
    scale_of_shuffle,
    width_of,
)

if TYPE_CHECKING:
    from napari_sr.graph.network import StateDict


def factors(scale: int) -> tuple[int, ...]:
    """Return the steps of an enlargement: twos for 1, 2, 4, 8..., or a single three for 3.

    Raises
    ------
    ValueError
        If the scale is neither 3 nor a power of two.
    """
    if scale == 3:
        return (3,)
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"this network needs a scale of 3 or a power of 2, got scale={scale}")
    return (2,) * (scale.bit_length() - 1)


def enlarger(features: int, scale: int, activation: nn.Module | None = None) -> nn.Sequential:
    """Return 3x3 convolutions with pixel shuffles: (N, C, H, W) to (N, C, S * H, S * W).

    Parameters
    ----------
    features, scale : int
        Channels C, and S: see `factors`.
    activation : nn.Module, optional
        Activation after every shuffle; one that `activation_of` accepts.
    """
    # the numbers in checkpoints' keys count the shuffle, and the activation if there is one
    step = 2 if activation is None else 3
    stages = (
        SubPixel3x3(features, features, scale=factor, activation=activation)
        for factor in factors(scale)
    )
    named: OrderedDict[str, nn.Module] = OrderedDict(
        (str(step * index), stage) for index, stage in enumerate(stages)
    )
    return nn.Sequential(named)


def scale_of_enlarger(state: StateDict, prefix: str) -> int | None:
    """Return S of the `enlarger` whose keys begin with `prefix`; 1 if there are none, or None."""
    stages = count(state, rf"{re.escape(prefix)}(\d+)\.weight")
    if not stages:
        return 1
    outputs, inputs = width_of(state, f"{prefix}0.weight")
    factor = scale_of_shuffle(outputs, inputs)
    return factor**stages if factor in (2, 3) and stages * factor < 30 else None


def reach_of_enlarger(scale: int, reach: int) -> int:
    """Return the radius, in LR pixels, of an `enlarger` and then layers of radius `reach`."""
    for factor in factors(scale):
        reach = reach_in_small_pixels(reach, factor) + 1
    return reach
