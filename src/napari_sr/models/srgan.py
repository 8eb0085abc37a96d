"""SRGAN's generator, which is called SRResNet if it was trained without a discriminator.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, https://arxiv.org/abs/1609.04802

Symbols: N images, C image channels, H x W pixels, S scale.
The default is the paper's network: batch normalisation, PReLUs with one slope per layer, a result
in -1..1. Two ports on GitHub differ: the one by the user leftthomas ends with a tanh; the one by
twtygqyy has instance normalisation, leaky ReLUs and no biases. The variant without normalisation is
`srresnet`.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import count, rename, scale_of_shuffle, width_of
from napari_sr.layers.enlarger import factors, reach_of_enlarger
from napari_sr.layers.normalised import BATCH, INSTANCE, Normalised, NormalisedBlock
from sr_kernels._sub_pixel import sub_pixel

if TYPE_CHECKING:
    from collections.abc import Iterable

ENDS = ("plain", "signed", "tanh")
"""The result, computed from the last convolution's y: y, (y + 1) / 2 or (tanh(y) + 1) / 2."""
TWTYGQYY: Options = {"norm": INSTANCE, "parametric": False, "bias": False, "end": "plain"}
"""The options of the port by twtygqyy."""
REACH = 4
"""Radius of the 9x9 convolutions at both ends."""
MOST_STAGES = 10
"""Largest number of enlarging stages; a checkpoint with more stages is refused."""


def rectifier(parametric: bool, slope: float) -> nn.Module:
    """Return a PReLU, which learns one slope, or a leaky ReLU with this slope."""
    return nn.PReLU() if parametric else nn.LeakyReLU(slope)


def normalised(
    features: int, norm: str, bias: bool, activation: nn.Module | None = None
) -> Normalised:
    """Return a normalised 3x3 convolution that maps (N, features, H, W) to the same shape."""
    convolution = nn.Conv2d(features, features, 3, padding=1, bias=bias)
    return Normalised(convolution, features, norm=norm, activation=activation)


class Enlargement(nn.Sequential):
    """A convolution, a pixel shuffle and an activation: (N, C, H, W) to (N, C, S * H, S * W).

    Parameters
    ----------
    wide : nn.Conv2d
        (N, C, H, W) to (N, C * S * S, H, W).
    rectify : nn.Module
        A PReLU or leaky ReLU, from `rectifier`.
    factor : int
        S.
    """

    def __init__(self, wide: nn.Conv2d, rectify: nn.Module, *, factor: int) -> None:
        # the numbers in checkpoints' keys count the shuffle, too
        super().__init__(OrderedDict({"0": wide, "2": rectify}))
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge S times."""
        wide, rectify = cast("tuple[nn.Conv2d, nn.PReLU | nn.LeakyReLU]", tuple(self))
        learnt = rectify.weight if isinstance(rectify, nn.PReLU) else None
        slope = 0.0 if isinstance(rectify, nn.PReLU) else rectify.negative_slope
        given = (wide.weight, wide.bias, self.factor)
        return sub_pixel(x, *given, "leaky_relu", slope, learnt)


class SRGAN(Network):
    """Normalised residual blocks with one long skip, then sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth: 64 and 16 in the paper.
    norm : str
        "batch" or "instance".
    parametric : bool
        Whether activations are PReLUs, which learn their slope, instead of leaky ReLUs.
    slope : float
        Slope of the leaky ReLUs for negative values.
    bias : bool
        Whether convolutions have a bias.
    end : str
        "signed" if the last convolution's range is -1..1, "tanh" if a tanh follows it, "plain" if
        it has the input's range.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    zeros_reach = 9  # with 6, white is wrong by up to 8 of 255 in one channel

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 16,
        norm: str = BATCH,
        parametric: bool = True,
        slope: float = 0.2,
        bias: bool = True,
        end: str = "signed",
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if end not in ENDS:
            raise ValueError(f"SRGAN's end must be one of {', '.join(ENDS)}, got end={end!r}")
        self.end = end
        convolution = partial(nn.Conv2d, bias=bias)
        rectify = partial(rectifier, parametric, slope)
        normalise = partial(normalised, features, norm, bias)
        self.head = nn.Sequential(convolution(channels, features, 9, padding=REACH), rectify())
        self.blocks = nn.ModuleList(
            NormalisedBlock(normalise(rectify()), normalise()) for _ in range(blocks)
        )
        self.merge = normalise()
        self.enlarge = nn.Sequential()
        for factor in factors(scale):
            wide = convolution(features, features * factor**2, 3, padding=1)
            self.enlarge.append(Enlargement(wide, rectify(), factor=factor))
        self.tail = convolution(features, channels, 9, padding=REACH)

    def chain(self) -> Chain:
        """Return the head, the blocks, the long skip, and the upsampling with the last 9x9."""
        links: list[Link] = [Step(self._start, (IMAGE,), ("shallow",), REACH)]
        x = "shallow"
        for index, block in enumerate(cast("Iterable[NormalisedBlock]", self.blocks), start=1):
            links.extend(block.links(x, f"x{index}", 1))
            x = f"x{index}"
        links.extend(self.merge.links(x, "merged", 1, skip="shallow"))
        radius = reach_of_enlarger(self.scale, REACH)
        return (*links, Step(self._finish, ("merged",), (RESULT,), radius, scale=self.scale))

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(image * self.input_range)
        return shallow

    def _finish(self, x: Tensor) -> Tensor:
        result: Tensor = self.tail(self.enlarge(x))
        if self.end == "plain":
            return result / self.input_range
        return ((result.tanh() if self.end == "tanh" else result) + 1) / 2


_LEFTTHOMAS = (
    (r"^block1\.", "head."),
    (r"^block(\d+)\.conv1\.", lambda match: f"blocks.{int(match[1]) - 2}.first.convolution."),
    (r"^block(\d+)\.bn1\.", lambda match: f"blocks.{int(match[1]) - 2}.first.norm."),
    (r"^block(\d+)\.prelu\.", lambda match: f"blocks.{int(match[1]) - 2}.first.activation."),
    (r"^block(\d+)\.conv2\.", lambda match: f"blocks.{int(match[1]) - 2}.second.convolution."),
    (r"^block(\d+)\.bn2\.", lambda match: f"blocks.{int(match[1]) - 2}.second.norm."),
    (r"^block\d+\.(\d+)\.conv\.", r"enlarge.\1.0."),
    (r"^block\d+\.(\d+)\.prelu\.", r"enlarge.\1.2."),
)
_TWTYGQYY = (
    (r"^conv_input\.", "head.0."),
    (r"^residual\.(\d+)\.conv1\.", r"blocks.\1.first.convolution."),
    (r"^residual\.(\d+)\.in1\.", r"blocks.\1.first.norm."),
    (r"^residual\.(\d+)\.conv2\.", r"blocks.\1.second.convolution."),
    (r"^residual\.(\d+)\.in2\.", r"blocks.\1.second.norm."),
    (r"^conv_mid\.", "merge.convolution."),
    (r"^bn_mid\.", "merge.norm."),
    (r"^upscale4x\.(\d+)\.", lambda match: f"enlarge.{int(match[1]) // 3}.0."),
    (r"^conv_output\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the two public layouts of keys to this network's keys."""
    if "conv_input.weight" in state:
        return rename(state, _TWTYGQYY)
    if "block2.conv1.weight" not in state:
        return state
    # the long skip ends in the second-last block; the last layer of the last block is the tail
    last = count(state, r"block(\d+)\.")
    stages = count(state, rf"block{last}\.(\d+)\.conv\.")
    ends = (
        (rf"^block{last - 1}\.0\.", "merge.convolution."),
        (rf"^block{last - 1}\.1\.", "merge.norm."),
        (rf"^block{last}\.{stages}\.(weight|bias)$", r"tail.\1"),
    )
    return rename(state, (*ends, *_LEFTTHOMAS))


def options_of(state: StateDict) -> Options | None:
    """Infer the generator's constructor arguments from a checkpoint; None if it is not one."""
    features, channels = width_of(state, "head.0.weight")
    if not features or "merge.norm.weight" not in state:
        return None
    stages = count(state, r"enlarge\.(\d+)\.0\.weight")
    factor = scale_of_shuffle(width_of(state, "enlarge.0.0.weight")[0], features) or 1
    if stages > MOST_STAGES:
        return None
    options = {
        "scale": factor**stages,
        "channels": channels,
        "features": features,
        "blocks": count(state, r"blocks\.(\d+)\."),
        "norm": BATCH if "merge.norm.running_mean" in state else INSTANCE,
        "parametric": "head.1.weight" in state,
        "bias": "head.0.bias" in state,
    }
    # the last operation of these ports cannot be inferred from their tensors
    if "block2.conv1.weight" in state:
        return {**options, "end": "tanh"}
    return {**options, "end": "plain"} if "conv_input.weight" in state else options


ARCHITECTURE = Architecture(
    network=SRGAN,
    title="SRGAN",
    summary="The generator of SRGAN's paper, normalised; may invent detail.",
    paper="https://arxiv.org/abs/1609.04802",
    year=2017,
    forms=(
        Variant("SRGAN, SRResNet", (4,)),
        Variant("SRGAN (leftthomas)", (2, 4), {"blocks": 5, "end": "tanh"}),
        Variant("SRResNet (twtygqyy)", (4,), TWTYGQYY),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
