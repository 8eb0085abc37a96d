"""Layers that several networks share, and functions that read options off checkpoints.

Symbols: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from torch import Tensor, nn

from sr_kernels._sub_pixel import sub_pixel
from sr_kernels.conv3x3 import conv3x3 as convolve3x3

if TYPE_CHECKING:
    from napari_sr.graph.network import StateDict


def conv3x3(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size: (N, inputs, H, W) to (N, outputs, H, W)."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


def conv1x1(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Return a 1x1 convolution: (N, inputs, H, W) to (N, outputs, H, W)."""
    return nn.Conv2d(inputs, outputs, 1, bias=bias)


class Activated3x3(nn.Conv2d):
    """A 3x3 convolution that keeps the size of (N, C, H, W), then a residual and an activation.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    activation : nn.Module, optional
        Activation of the sum; one that `activation_of` accepts.
    bias : bool
        Whether the convolution has a bias.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        activation: nn.Module | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)
        self.activation, self.slope = activation_of(activation or nn.Identity())

    def forward(self, x: Tensor, residual: Tensor | None = None, factor: float = 1.0) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W).

        `residual` has the shape of the result and is added before the activation. `factor`
        multiplies the convolution alone.
        """
        return convolve3x3(x, self.weight, self.bias, residual, self.activation, self.slope, factor)


class SubPixel3x3(nn.Conv2d):
    """A 3x3 convolution, a pixel shuffle and an activation.

    Parameters
    ----------
    inputs, outputs : int
        Channels before the convolution, and after the shuffle.
    scale : int
        S.
    activation : nn.Module, optional
        Activation of the result; one that `activation_of` accepts.
    """

    def __init__(
        self, inputs: int, outputs: int, *, scale: int, activation: nn.Module | None = None
    ) -> None:
        super().__init__(inputs, outputs * scale**2, 3, padding=1)
        self.scale = scale
        self.activation, self.slope = activation_of(activation or nn.Identity())

    def forward(self, x: Tensor, factor: float = 1.0) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, S * H, S * W), times `factor`."""
        ours = weight_and_bias(self)
        return sub_pixel(x, *ours, self.scale, self.activation, self.slope, factor=factor)


class ResidualBlock(nn.Module):
    """EDSR's block: two 3x3 convolutions with a ReLU in between, added to the input.

    Parameters
    ----------
    features : int
        Width C.
    factor : float
        Factor of the convolutions' result before it is added.
    """

    RADIUS = 2

    def __init__(self, *, features: int, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
        first = Activated3x3(features, features, activation=nn.ReLU())
        # the numbers in checkpoints' keys count the ReLU, too
        self.branch = nn.Sequential(
            OrderedDict({"0": first, "2": Activated3x3(features, features)})
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        first, second = self.branch
        result: Tensor = second(first(x), x, self.factor)
        return result


def activation_of(module: nn.Module) -> tuple[str, float]:
    """Return an activation's name and slope, as the kernels take them.

    Raises
    ------
    ValueError
        If the kernels do not support the activation.
    """
    if isinstance(module, nn.LeakyReLU):
        return "leaky_relu", module.negative_slope
    if isinstance(module, nn.GELU) and module.approximate == "none":
        return "gelu", 0.0
    names = {
        nn.ReLU: "relu", nn.Hardswish: "hard_swish", nn.Tanh: "tanh", nn.Identity: "none",
    }  # fmt: skip
    if type(module) not in names:
        raise ValueError(
            f"kernels need GELU, ReLU, LeakyReLU, Hardswish, Tanh or Identity, got {module}"
        )
    return names[type(module)], 0.0


def weight_and_bias(convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution, as the kernels take them."""
    return convolution.weight, cast("Tensor", convolution.bias)


def reach_in_small_pixels(reach: int, scale: int) -> int:
    """Convert a radius in pixels of the enlarged image to LR pixels, rounded up."""
    return (reach + scale - 1) // scale


Rule: TypeAlias = tuple[str, str | Callable[[re.Match[str]], str]]
"""A regular expression, and its replacement in a key."""


def rename(state: StateDict, rules: Sequence[Rule]) -> dict[str, Tensor]:
    """Return a state with its keys rewritten by (pattern, replacement) pairs, in order.

    Return the state unchanged if two keys would become equal: then it has no known layout.
    """
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        new = key
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        renamed[new] = value
    return renamed if len(renamed) == len(state) else dict(state)


def shape_of(state: StateDict, key: str) -> tuple[int, ...]:
    """Return the shape of one tensor of a state, or () if the key is missing."""
    return tuple(state[key].shape) if key in state else ()


def width_of(state: StateDict, key: str) -> tuple[int, int]:
    """Return the channels (outputs, inputs) of a 2-D convolution's weight; (0, 0) without it."""
    shape = shape_of(state, key)
    return shape[:2] if len(shape) == 4 and all(shape) else (0, 0)


def count(state: StateDict, pattern: str) -> int:
    """Return how many different texts group 1 of a pattern matches at the start of all keys."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def options_of_blocks(state: StateDict, scale: int | None) -> dict[str, int] | None:
    """Read scale, channels, features and blocks off a network with modules `head` and `blocks`.

    Return None if the head is not a 2-D convolution, or no scale fits.
    """
    features, channels = width_of(state, "head.weight")
    if scale is None or not features:
        return None
    blocks = count(state, r"blocks\.(\d+)\.")
    return {"scale": scale, "channels": channels, "features": features, "blocks": blocks}


def scale_of_shuffle(outputs: int, channels: int) -> int | None:
    """Return S of a pixel shuffle with `outputs` = channels * S * S, or None if no S fits."""
    if channels < 1 or outputs < channels:
        return None
    scale = math.isqrt(outputs // channels)
    return scale if scale * scale * channels == outputs else None
