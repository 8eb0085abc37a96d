"""RRDBNet: the generator of ESRGAN, made of residual-in-residual dense blocks.

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks",
ECCV Workshops 2018, https://arxiv.org/abs/1809.00219

Symbols: N images, C features, G growth, H x W pixels, S scale, U unshuffle.
As in Real-ESRGAN, https://arxiv.org/abs/2107.10833, a network for a small scale may first fold
U x U pixels into channels, compute on a grid that is U times coarser, and enlarge by U * S.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    conv3x3,
    count,
    options_of_blocks,
    reach_in_small_pixels,
    rename,
    scale_of_shuffle,
    width_of,
)
from napari_sr.layers.enlarger import factors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RESIDUAL = 0.2
"""Factor of the result of every dense block and of every block."""


class DenseBlock(nn.Module):
    """Five 3x3 convolutions; each reads the block's input and all previous results.

    No fused kernel computes this block, because it would need one growing buffer of features.

    Parameters
    ----------
    features, growth : int
        Width C outside, and number of channels G that each convolution except the last adds.
    slope : float
        Slope of the leaky ReLUs for negative values.
    """

    RADIUS = 5

    def __init__(self, *, features: int, growth: int, slope: float) -> None:
        super().__init__()
        self.activation = nn.LeakyReLU(slope)
        self.grow = nn.ModuleList(conv3x3(features + index * growth, growth) for index in range(4))
        self.last = conv3x3(features + 4 * growth, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        seen = x
        for grow in self.grow:
            seen = torch.cat([seen, self.activation(grow(seen))], dim=1)
        result: Tensor = self.last(seen)
        return x + result * RESIDUAL


class Block(nn.Module):
    """Three dense blocks whose scaled result is added back (the paper's RRDB).

    Parameters
    ----------
    features, growth, slope
        As in `DenseBlock`.
    """

    def __init__(self, *, features: int, growth: int, slope: float) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            *(DenseBlock(features=features, growth=growth, slope=slope) for _ in range(3))
        )

    def end(self, x: Tensor, start: Tensor) -> Tensor:
        """Compute the last dense block of `x`, scale its result and add the block's input."""
        result: Tensor = self.dense[-1](x)
        return start + result * RESIDUAL


class RRDBNet(Network):
    """Dense residual blocks with one long skip, then doublings and 3x3 convolutions.

    Parameters
    ----------
    scale, channels : int
        Enlargement, a power of 2, and image channels: 3 for RGB.
    features, blocks, growth : int
        Width, depth and growth; the paper has 64, 23 and 32.
    unshuffle : int
        Side U of the squares of pixels that are first folded into channels: 1, 2 or 4.
    slope : float
        Slope of the leaky ReLUs for negative values.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 23,
        growth: int = 32,
        unshuffle: int = 1,
        slope: float = 0.2,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        doublings = factors(scale * unshuffle)
        if set(doublings) - {2}:
            raise ValueError(f"RRDBNet needs a power of 2 as scale, got scale={scale}")
        self.multiple = unshuffle
        self.activation = nn.LeakyReLU(slope)
        self.head = conv3x3(channels * unshuffle**2, features)
        self.blocks = nn.Sequential(
            *(Block(features=features, growth=growth, slope=slope) for _ in range(blocks))
        )
        self.merge = conv3x3(features, features)
        self.enlarge = nn.ModuleList(conv3x3(features, features) for _ in doublings)
        self.smooth = conv3x3(features, features)
        self.tail = conv3x3(features, channels)

    def chain(self) -> Chain:
        """Return local steps, one for each dense block: the network is purely convolutional."""

        def step(
            compute: Callable[..., Tensor], reads: tuple[str, ...], writes: str, radius: int
        ) -> Step:
            """Return a step whose `radius` is given in folded pixels."""
            scale = self.scale if writes == RESULT else Fraction(1, self.multiple)
            return Step(compute, reads, (writes,), self.multiple * radius, scale=scale)

        links = [step(self._start, (IMAGE,), "shallow", 1)]
        start = "shallow"
        for index, block in enumerate(cast("Iterable[Block]", self.blocks)):
            x = start
            for dense in list(block.dense)[:-1]:
                links.append(step(dense, (x,), "dense", DenseBlock.RADIUS))
                x = "dense"
            links.append(step(block.end, (x, start), f"x{index + 1}", DenseBlock.RADIUS))
            start = f"x{index + 1}"
        links.append(step(self._merge, (start, "shallow"), "merged", 1))
        # one 3x3 convolution on every grid except the smallest, and two more on the largest grid
        reach = 2
        for _ in self.enlarge:
            reach = reach_in_small_pixels(reach + 1, 2)
        return (*links, step(self._finish, ("merged",), RESULT, reach))

    def _start(self, image: Tensor) -> Tensor:
        folded = functional.pixel_unshuffle(image * self.input_range, self.multiple)
        shallow: Tensor = self.head(folded)
        return shallow

    def _merge(self, x: Tensor, shallow: Tensor) -> Tensor:
        merged: Tensor = self.merge(x)
        return merged + shallow

    def _finish(self, x: Tensor) -> Tensor:
        for convolve in self.enlarge:
            doubled = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.activation(convolve(doubled))
        result: Tensor = self.tail(self.activation(self.smooth(x)))
        return result / self.input_range


_DENSE = (
    (r"\.(?:RDB|rdb)([123])\.", lambda match: f".dense.{int(match[1]) - 1}."),
    (r"\.conv([1-4])\.", lambda match: f".grow.{int(match[1]) - 1}."),
    (r"\.conv5\.", ".last."),
)
# the ESRGAN repository, then BasicSR and Real-ESRGAN
_NAMED = (
    (r"^(?:RRDB_trunk|body)\.", "blocks."),
    *_DENSE,
    (r"^conv_first\.", "head."),
    (r"^(?:trunk_conv|conv_body)\.", "merge."),
    (r"^(?:upconv|conv_up)(\d+)\.", lambda match: f"enlarge.{int(match[1]) - 1}."),
    (r"^(?:HRconv|conv_hr)\.", "smooth."),
    (r"^conv_last\.", "tail."),
)
# the oldest layout, of most community checkpoints: all layers numbered in one sequence
_NUMBERED = (
    (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"merge.\1"),
    (r"^model\.1\.sub\.", "blocks."),
    (r"\.(conv[1-5])\.0\.", r".\1."),
    *_DENSE,
)


def adapt(state: StateDict) -> StateDict:
    """Rename the three public layouts of keys to this network's keys."""
    if "RRDB_trunk.0.RDB1.conv1.weight" in state or "body.0.rdb1.conv1.weight" in state:
        return rename(state, _NAMED)
    if "model.1.sub.0.RDB1.conv1.0.weight" not in state:
        return state
    numbers = sorted({int(match[1]) for key in state if (match := _TOP.match(key))})
    last = len(numbers) - 1
    # the numbered layers: first, doublings, smoothing, last
    ends = {0: "head.", last - 1: "smooth.", last: "tail."}
    names = {number: ends.get(i, f"enlarge.{i - 1}.") for i, number in enumerate(numbers)}
    return rename(state, (*_NUMBERED, (_TOP.pattern, lambda match: names[int(match[1])])))


_TOP = re.compile(r"^model\.(\d+)\.(?=weight$|bias$)")


def options_of(state: StateDict) -> Options | None:
    """Infer RRDBNet's constructor arguments from a checkpoint; None if it is not one."""
    _, folded = width_of(state, "head.weight")
    channels, _ = width_of(state, "tail.weight")
    growth, _ = width_of(state, "blocks.0.dense.0.grow.0.weight")
    unshuffle = scale_of_shuffle(folded, channels)
    enlarged = 2 ** count(state, r"enlarge\.(\d+)\.")
    if not growth or unshuffle is None or enlarged % unshuffle:
        return None
    options = {"growth": growth, "unshuffle": unshuffle, "channels": channels}
    return {**(options_of_blocks(state, enlarged // unshuffle) or {}), **options}


ARCHITECTURE = Architecture(
    network=RRDBNet,
    title="RRDBNet (ESRGAN)",
    summary="Very large; the network of ESRGAN and Real-ESRGAN, which may invent detail.",
    paper="https://arxiv.org/abs/1809.00219",
    year=2018,
    forms=(Variant("ESRGAN", (4,)), Variant("Real-ESRGAN x2", (2,), {"unshuffle": 2})),
    options_of=options_of,
    adapt=adapt,
    example={
        "scale": 2,
        "channels": 3,
        "features": 8,
        "blocks": 1,
        "growth": 4,
        "unshuffle": 2,
    },
)
