"""MDSR: one deep residual network for several scales.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution",
CVPR Workshops 2017, https://arxiv.org/abs/1707.02921

Symbols: N images, C features, H x W pixels, S scale.
Trunk and mean colour are EDSR's; the mean is subtracted first and added last. The authors'
checkpoints have one trunk, and first and last layers for each scale. A network here has one scale,
so `scale` is needed to load such a checkpoint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers import edsr_trunk
from napari_sr.layers.blocks import Activated3x3, ResidualBlock, count, rename
from napari_sr.layers.enlarger import enlarger, reach_of_enlarger, scale_of_enlarger

if TYPE_CHECKING:
    from collections.abc import Iterable


class WideBlock(nn.Module):
    """Two 5x5 convolutions with a ReLU in between, added to the input, (N, C, H, W).

    Parameters
    ----------
    features : int
        Width C.
    """

    RADIUS = 4

    def __init__(self, *, features: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(features, features, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(features, features, 5, padding=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        result: Tensor = self.branch(x)
        return x + result


class MDSR(Network):
    """Two blocks for one scale, EDSR's trunk, and the upsampling for that scale.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    scales : tuple of int, optional
        The scales for which the checkpoint has blocks and upsamplings; only those for `scale` are
        used. None for `scale` alone.
    features, blocks : int
        Width and depth: 64 and 80 in the paper, 64 and 16 in the authors' baseline.
    res_scale : float
        Factor of the result of every block of the trunk.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    mean: Tensor

    def __init__(
        self,
        *,
        scale: int,
        scales: tuple[int, ...] | None = None,
        channels: int = 3,
        features: int = 64,
        blocks: int = 80,
        res_scale: float = 1.0,
        input_range: float = 255.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        scales = (scale,) if scales is None else scales
        if scale not in scales:
            raise ValueError(f"MDSR needs one of its scales={scales} as scale, got scale={scale}")
        self.register_buffer("mean", edsr_trunk.mean_of(channels))
        self.head = Activated3x3(channels, features)
        self.before = nn.ModuleDict(
            {f"x{one}": nn.Sequential(*_wide_blocks(features)) for one in scales}
        )
        self.blocks = nn.Sequential(
            *(ResidualBlock(features=features, factor=res_scale) for _ in range(blocks))
        )
        self.merge = Activated3x3(features, features)
        self.enlarge = nn.ModuleDict({f"x{one}": enlarger(features, one) for one in scales})
        self.tail = Activated3x3(features, channels)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        own = cast("Iterable[WideBlock]", self.before[f"x{self.scale}"])
        before = [Step(block, ("shallow",), ("shallow",), WideBlock.RADIUS) for block in own]
        blocks, x = in_series(self.blocks, ResidualBlock.RADIUS, "shallow")
        # the 3x3 convolution after the blocks, the enlargement, and the tail on the enlarged grid
        radius = 1 + reach_of_enlarger(self.scale, 1)
        end = Step(self._finish, (x, "shallow"), (RESULT,), radius, scale=self.scale)
        return (Step(self._start, (IMAGE,), ("shallow",), 1), *before, *blocks, end)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head((image - self.mean) * self.input_range)
        return shallow

    def _finish(self, x: Tensor, shallow: Tensor) -> Tensor:
        large = self.enlarge[f"x{self.scale}"](self.merge(x, shallow))
        result: Tensor = self.tail(large, factor=1 / self.input_range)
        return result + self.mean


def _wide_blocks(features: int) -> tuple[WideBlock, WideBlock]:
    return WideBlock(features=features), WideBlock(features=features)


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys, and add the mean colour."""
    if "pre_process.0.0.body.0.weight" not in state:
        return state
    scales = {
        index: scale_of_enlarger(state, f"upsample.{index}.")
        for index in range(count(state, r"pre_process\.(\d+)\."))
    }

    def own(match: re.Match[str]) -> str:
        """Return our name for a layer of one scale; the authors number the scales."""
        name = "before" if match[1] == "pre_process" else "enlarge"
        return f"{name}.x{scales.get(int(match[2]))}."

    trunk = edsr_trunk.adapt(rename(state, ((r"^tail\.0\.", "tail.1."),)))
    rules = (
        (r"^(pre_process)\.(\d+)\.", own),
        (r"^(upsample)\.(\d+)\.", own),
        (r"^(before\.\w+\.\d+)\.body\.", r"\1.branch."),
    )
    return rename(trunk, rules)


def narrow(state: StateDict, scale: int) -> StateDict:
    """Return the tensors of one scale from a checkpoint of several."""
    others = re.compile(rf"(before|enlarge)\.x(?!{scale}\.)")
    return {key: value for key, value in state.items() if not others.match(key)}


def options_of(state: StateDict) -> Options | None:
    """Infer MDSR's constructor arguments from a checkpoint; None if it is not an MDSR.

    For a checkpoint of several scales, `scales` replaces `scale`.
    """
    options = edsr_trunk.trunk_options(state, scale_of_enlarger(state, "enlarge."))
    scales = sorted({int(match[1]) for key in state if (match := _SCALE.match(key))})
    if options is None or not scales:
        return None
    del options["scale"]
    return {**options, **({"scale": scales[0]} if len(scales) == 1 else {"scales": tuple(scales)})}


_SCALE = re.compile(r"before\.x(\d{1,9})\.")


ARCHITECTURE = Architecture(
    network=MDSR,
    title="MDSR",
    summary="EDSR for several scales; deeper.",
    paper="https://arxiv.org/abs/1707.02921",
    year=2017,
    forms=(
        Variant("MDSR-baseline", options={"blocks": 16, "scales": (2, 3, 4)}),
        Variant("MDSR", options={"scales": (2, 3, 4)}),
    ),
    options_of=options_of,
    adapt=adapt,
    narrow=narrow,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
