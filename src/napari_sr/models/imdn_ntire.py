"""The IMDN baseline of the NTIRE 2022 efficient super-resolution challenge.

Li et al., "NTIRE 2022 Challenge on Efficient Super-Resolution: Methods and Results",
CVPR Workshops 2022, https://arxiv.org/abs/2205.05675

Symbols: N images, C image channels, H x W pixels, S scale.
Unlike IMDN, it has no channel gates, and a long skip around the blocks replaces the fusion of their
outputs. So it is purely convolutional.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    SubPixel3x3,
    conv1x1,
    options_of_blocks,
    rename,
    scale_of_shuffle,
    width_of,
)
from napari_sr.layers.multi_distillation import SplitDistillation


class Block(nn.Module):
    """Distillation, 1x1 convolution and skip; (N, C, H, W) to the same shape.

    Parameters
    ----------
    features : int
        Width C, a multiple of 4.
    slope : float
        Slope of the leaky ReLUs for negative values.
    """

    RADIUS = SplitDistillation.RADIUS

    def __init__(self, *, features: int, slope: float) -> None:
        super().__init__()
        self.front = SplitDistillation(features=features, activation=nn.LeakyReLU(slope))
        self.fuse = conv1x1(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        result: Tensor = self.fuse(self.front(x))
        return result + x


class IMDNNTIRE(Network):
    """Multi-distillation blocks with one long skip, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, blocks : int
        Width, a multiple of 4, and depth; the challenge has 64 and 8.
    slope : float
        Slope of the leaky ReLUs for negative values.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    input_limits = (0.0, 1.0)

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 8,
        slope: float = 0.05,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.head = Activated3x3(channels, features)
        self.blocks = nn.Sequential(*(Block(features=features, slope=slope) for _ in range(blocks)))
        self.merge = Activated3x3(features, features)
        self.tail = SubPixel3x3(features, channels, scale=scale)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        blocks, x = in_series(self.blocks, Block.RADIUS, "shallow")
        # radius 2: the 3x3 convolution after the blocks, and the one before the pixel shuffle
        end = Step(self._finish, (x, "shallow"), (RESULT,), 2, scale=self.scale)
        return (Step(self._start, (IMAGE,), ("shallow",), 1), *blocks, end)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(self.in_input_range(image))
        return shallow

    def _finish(self, x: Tensor, shallow: Tensor) -> Tensor:
        deep = self.merge(x, shallow)
        result: Tensor = self.tail(deep, 1 / self.input_range)
        return result


_KEYS = (
    (r"^model\.0\.", "head."),
    (r"^model\.1\.sub\.(\d+)\.(weight|bias)$", r"merge.\2"),
    (r"^model\.1\.sub\.(\d+)\.", r"blocks.\1."),
    (r"\.conv([123])\.0\.", lambda match: f".front.refine.{int(match[1]) - 1}."),
    (r"\.conv4\.", ".front.last."),
    (r"\.conv1x1\.", ".fuse."),
    (r"^model\.2\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the challenge's keys to this network's keys."""
    return rename(state, _KEYS) if "model.1.sub.0.conv1x1.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer the baseline's constructor arguments from a checkpoint; None if it is not one."""
    channels = width_of(state, "head.weight")[1]
    scale = scale_of_shuffle(width_of(state, "tail.weight")[0], channels)
    if scale is None or "blocks.0.front.last.weight" not in state:
        return None
    return options_of_blocks(state, scale)


ARCHITECTURE = Architecture(
    network=IMDNNTIRE,
    title="IMDN (NTIRE 2022)",
    summary="Larger than IMDN, and purely convolutional.",
    paper="https://arxiv.org/abs/2205.05675",
    year=2022,
    forms=(Variant("IMDN (NTIRE 2022)", (4,)),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
