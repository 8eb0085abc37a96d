"""The image transformation network that was trained on perceptual losses.

Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
https://arxiv.org/abs/1603.08155 (layers: the supplement's tables)

Symbols: N images, C features, H x W pixels, S scale.
The default is the paper's network for super-resolution: zero padding, batch normalisation,
transposed 3x3 convolutions, and a scaled tanh at the end. Other released code has transposed 4x4
convolutions or, to avoid chequerboard patterns, doubles pixels before a 3x3 convolution. PyTorch's
example for style transfer first halves the image twice, pads by reflection, and has instance
normalisation and no tanh.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import partial
from typing import Literal, TypeAlias, cast, get_args

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import count, reach_in_small_pixels, rename, shape_of, width_of
from napari_sr.layers.deconvolution import Deconvolution
from napari_sr.layers.enlarger import factors
from napari_sr.layers.normalised import BATCH, INSTANCE, Normalised, NormalisedBlock

TRANSPOSED, NEAREST = "transposed", "nearest"
KERNELS = {TRANSPOSED: (3, 4), NEAREST: (3,)}
"""Kernel sizes of the enlarging convolutions."""
Padding: TypeAlias = Literal["zeros", "reflect"]
REACH = 4
"""Radius of the 9x9 convolutions at both ends."""
MOST_STAGES = 10
"""Largest number of enlarging stages; a checkpoint with more stages is refused."""


def convolution(
    inputs: int, outputs: int, kernel: int, *, padding: Padding, stride: int = 1
) -> nn.Conv2d:
    """Return a convolution from (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode=padding)


def enlarging(
    inputs: int, outputs: int, *, factor: int, by: str, kernel: int, padding: Padding
) -> nn.Module:
    """Return a layer that enlarges (N, inputs, H, W) to (N, outputs, factor * H, factor * W)."""
    if by == TRANSPOSED:
        spare = factor + 2 - kernel
        return Deconvolution(inputs, outputs, kernel, factor, 1, output_padding=spare)
    plain = convolution(inputs, outputs, kernel, padding=padding)
    return nn.Sequential(nn.Upsample(scale_factor=factor), plain)


class Johnson(Network):
    """A 9x9 convolution, residual blocks, enlarging convolutions, and another 9x9.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks : int
        Width of the first convolution, and depth: 64 and 4 in the paper.
    halvings : int
        How many times the image is halved, and the number of channels doubled, before the blocks;
        after them, both are reversed. 0 in the paper's network for super-resolution, 2 for style
        transfer.
    by, kernel : str and int
        The enlargement: "transposed" convolutions with a side of 3 or 4, or "nearest" followed by
        3x3 convolutions.
    norm, padding : str
        Normalisation, "batch" or "instance", and padding, "zeros" or "reflect".
    squash : bool
        Whether the result is (tanh(y) + 1) / 2, with y the last convolution's result.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 4,
        halvings: int = 0,
        by: str = TRANSPOSED,
        kernel: int = 3,
        norm: str = BATCH,
        padding: Padding = "zeros",
        squash: bool = True,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if kernel not in KERNELS.get(by, ()) or padding not in get_args(Padding):
            raise ValueError(
                "Johnson's network needs by='transposed' with a kernel of 3 or 4, or by='nearest'"
                f" with 3, and padding='zeros' or 'reflect', got by={by!r}, kernel={kernel}, "
                f"padding={padding!r}"
            )
        self.factors = (2,) * halvings + factors(scale)
        self.by, self.kernel, self.squash = by, kernel, squash
        self.multiple = 2**halvings
        self.pads_with_zeros = padding == "zeros"
        if padding == "reflect":
            # a pixel needs 4 neighbours to reflect for 9x9, and 1 for 3x3 on the coarsest grid
            self.least_size = max(REACH + 1, 2 * self.multiple)
        convolve = partial(convolution, padding=padding)
        normalise = partial(Normalised, norm=norm)
        rectify = partial(normalise, activation=nn.ReLU())
        widths = [features << index for index in range(halvings + 1)]
        wide = widths[-1]
        self.head = rectify(convolve(channels, features, 9), features)
        halving = (rectify(convolve(w, 2 * w, 3, stride=2), 2 * w) for w in widths[:-1])
        self.halve = nn.Sequential(*halving)
        self.blocks = nn.Sequential()
        for _ in range(blocks):
            first, second = convolve(wide, wide, 3), convolve(wide, wide, 3)
            self.blocks.append(NormalisedBlock(rectify(first, wide), normalise(second, wide)))
        self.enlarge = nn.Sequential()
        for factor in self.factors:
            inputs, wide = wide, max(features, wide // 2)
            layer = enlarging(inputs, wide, factor=factor, by=by, kernel=kernel, padding=padding)
            self.enlarge.append(rectify(layer, wide))
        self.tail = convolve(features, channels, 9)

    def chain(self) -> Chain:
        """Return a step for each block; with instance normalisation, links for each convolution."""
        if not isinstance(self.head.norm, nn.BatchNorm2d):
            return self._by_instances()
        coarse = Fraction(1, self.multiple)
        # each halving convolution has radius 1, on a grid twice as coarse as the one before
        links = [Step(self._start, (IMAGE,), ("x",), REACH + self.multiple - 1, scale=coarse)]
        for block in self.blocks:
            links.append(Step(block, ("x",), ("x",), 2 * self.multiple, scale=coarse))
        radius = self.multiple * self._reach_of_the_end()
        return (*links, Step(self._finish, ("x",), (RESULT,), radius, scale=self.scale))

    def _reach_of_the_end(self) -> int:
        """Return the radius of enlargement and last convolution, in pixels of the coarsest grid."""
        first = last = 0  # first and last HR pixel that depend on the coarse pixel 0
        for factor in self.factors:
            more = self.kernel - 2 if self.by == TRANSPOSED else factor
            first, last = factor * first - 1, factor * last + more
        factor = self.multiple * self.scale
        return max(-((first - REACH) // factor), (last + REACH) // factor)

    def _by_instances(self) -> Chain:
        links: list[Link] = [Step(self._scaled, (IMAGE,), ("x",))]
        links.extend(self.head.links("x", "x", REACH))
        half, factors = Fraction(1, 2), map(Fraction, self.factors)
        changes = [half] * len(self.halve) + [Fraction(1)] * len(self.blocks) + [*factors]
        layers, scale = [*self.halve, *self.blocks, *self.enlarge], Fraction(1)
        for change, layer in zip(changes, cast("list[Normalised]", layers), strict=True):
            radius = math.ceil(1 / scale)  # one pixel of the step's input
            scale *= change
            links.extend(layer.links("x", "x", radius, scale=scale))
        radius = reach_in_small_pixels(REACH, self.scale)
        return (*links, Step(self._end, ("x",), (RESULT,), radius, scale=self.scale))

    def _scaled(self, image: Tensor) -> Tensor:
        return image * self.input_range

    def _start(self, image: Tensor) -> Tensor:
        coarse: Tensor = self.halve(self.head(self._scaled(image)))
        return coarse

    def _finish(self, x: Tensor) -> Tensor:
        return self._end(self.enlarge(x))

    def _end(self, x: Tensor) -> Tensor:
        result: Tensor = self.tail(x)
        return (result.tanh() + 1) / 2 if self.squash else result / self.input_range


# PyTorch's example, which halves the image twice and doubles it twice
_EXAMPLE = (
    (r"^conv1\.conv2d\.", "head.convolution."),
    (r"^in1\.", "head.norm."),
    (r"^conv([23])\.conv2d\.", lambda match: f"halve.{int(match[1]) - 2}.convolution."),
    (r"^in([23])\.", lambda match: f"halve.{int(match[1]) - 2}.norm."),
    (r"^res(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"^(blocks\.\d+)\.conv1\.conv2d\.", r"\1.first.convolution."),
    (r"^(blocks\.\d+)\.in1\.", r"\1.first.norm."),
    (r"^(blocks\.\d+)\.conv2\.conv2d\.", r"\1.second.convolution."),
    (r"^(blocks\.\d+)\.in2\.", r"\1.second.norm."),
    (r"^deconv([12])\.conv2d\.", lambda match: f"enlarge.{int(match[1]) - 1}.convolution.1."),
    (r"^in([45])\.", lambda match: f"enlarge.{int(match[1]) - 4}.norm."),
    (r"^deconv3\.conv2d\.", "tail."),
)
_UNUSED = re.compile(r"(^|\.)in\d\.running_(mean|var)$")


def adapt(state: StateDict) -> StateDict:
    """Rename the keys of PyTorch's example to this network's keys.

    Running moments in its oldest checkpoints are dropped: instance normalisation never used them.
    """
    if "deconv3.conv2d.weight" not in state:
        return state
    used = {key: value for key, value in state.items() if not _UNUSED.search(key)}
    return rename(used, _EXAMPLE)


def options_of(state: StateDict) -> Options | None:
    """Infer the network's constructor arguments from a checkpoint; None if it is not one."""
    features, channels = width_of(state, "head.convolution.weight")
    halvings = count(state, r"halve\.(\d+)\.")
    stages = count(state, r"enlarge\.(\d+)\.") - halvings
    if not features or halvings > MOST_STAGES or not 0 <= stages <= MOST_STAGES:
        return None
    options = {
        "channels": channels,
        "features": features,
        "blocks": count(state, r"blocks\.(\d+)\."),
        "halvings": halvings,
        "norm": BATCH if "head.norm.running_mean" in state else INSTANCE,
    }
    # one stage with factor 3 has the same shapes as one with factor 2
    if stages != 1:
        options["scale"] = 2**stages
    for by, key in ((TRANSPOSED, "weight"), (NEAREST, "1.weight")):
        if shape := shape_of(state, f"enlarge.0.convolution.{key}"):
            options |= {"by": by, "kernel": shape[-1]}
    if "deconv3.conv2d.weight" in state:
        options |= {"padding": "reflect", "squash": False, "input_range": 255.0}
    return options


ARCHITECTURE = Architecture(
    network=Johnson,
    title="Johnson",
    summary="The first network trained on perceptual losses; may invent detail.",
    paper="https://arxiv.org/abs/1603.08155",
    year=2016,
    forms=(Variant("Johnson", (4, 8)),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
