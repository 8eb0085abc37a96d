"""ESRT: efficient super-resolution transformer.

Lu et al., "Transformer for Single Image Super-Resolution", CVPR Workshops 2022,
https://arxiv.org/abs/2108.11084

Symbols: N images, C features, H x W pixels, S scale.
As in the released code, a ReLU keeps the skip image from being negative, and overlapping patches
are summed, not averaged. The released code cuts an image into overlapping quadrants, because
attention to the whole image did not fit into memory; here attention covers the whole image. If the
height or width is odd, the last row or column has no low-frequency pixel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import conv3x3, count, rename, width_of
from napari_sr.layers.enlarger import enlarger, reach_of_enlarger, scale_of_enlarger
from napari_sr.layers.frequencies import POOL, PreservingBlock
from napari_sr.layers.transformer import EfficientTransformer

if TYPE_CHECKING:
    from collections.abc import Iterable


class ESRT(Network):
    """Blocks that process low and high frequencies separately, then attention to the whole image.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks, recursions : int
        Width C (a multiple of 4), number of blocks, and how often each block repeats its part for
        low frequencies; the paper has 32, 3 and 5.
    reduction : int
        Ratio of the features to the channels inside the channel gates.
    heads, splits : int
        The transformer's heads, and the number of chunks of the image; the paper has 8 and 4.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    least_size = POOL

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 32,
        blocks: int = 3,
        recursions: int = 5,
        reduction: int = 16,
        heads: int = 8,
        splits: int = 4,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.head = conv3x3(channels, features)
        self.blocks = nn.ModuleList(
            PreservingBlock(features=features, reduction=reduction, recursions=recursions)
            for _ in range(blocks)
        )
        self.merge = conv3x3(blocks * features, features)
        self.transformer = EfficientTransformer(features=features, heads=heads, splits=splits)
        self.folded = conv3x3(features, features)
        self.of_head = nn.Parameter(torch.ones(1))
        self.of_body = nn.Parameter(torch.ones(1))
        self.reduce = conv3x3(features, features)
        self.enlarge = enlarger(features, scale)
        self.tail = conv3x3(features, channels)
        self.skip_enlarge = enlarger(features, scale)
        self.skip_tail = conv3x3(features, channels, bias=False)

    @property
    def tile_alignment(self) -> int:
        """Tiles begin only where low-frequency squares begin; the image may end within a square."""
        return POOL

    def chain(self) -> Chain:
        """Return the blocks, the transformer over the whole image, and both enlargements."""
        links: list[Link] = [Step(self._start, (IMAGE,), ("shallow",), 1)]
        names = ["shallow"]
        for index, block in enumerate(cast("Iterable[PreservingBlock]", self.blocks)):
            names.append(f"x{index + 1}")
            links += block.chain(*names[-2:])
        links.append(Step(self._merge, tuple(names[1:]), ("merged",), 1))
        links.append(Step(self.transformer.start, ("merged",), ("queries", "pairs"), 1))
        links.append(self.transformer.link("queries", "pairs", "attended"))
        # plus 1 for the 3x3 convolution of the folded plane
        reach, reads = EfficientTransformer.RADIUS + 1, ("shallow", "merged", "attended")
        links.append(Step(self._body, reads, ("body",), reach))
        reach = 1 + reach_of_enlarger(self.scale, 1)
        return (*links, Step(self._finish, ("shallow", "body"), (RESULT,), reach, scale=self.scale))

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(image * self.input_range)
        return shallow

    def _merge(self, *blocks: Tensor) -> Tensor:
        merged: Tensor = self.merge(torch.cat(blocks, dim=1))
        return merged

    def _body(self, shallow: Tensor, merged: Tensor, attended: Tensor) -> Tensor:
        folded: Tensor = self.folded(self.transformer.finish(merged, attended))
        return self.of_head * shallow + self.of_body * folded

    def _finish(self, shallow: Tensor, body: Tensor) -> Tensor:
        main: Tensor = self.tail(self.enlarge(self.reduce(body)))
        skip = functional.relu(self.skip_tail(self.skip_enlarge(shallow)))
        return (skip + main) / self.input_range


_KEYS = (
    (r"^head\.0\.", "head."),
    (r"^body\.0\.encoder(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"^(blocks\.\d+)\.alise2\.conv\.", r"\1.fuse."),
    (r"^(blocks\.\d+)\.alise\.", r"\1.last."),
    (r"^(blocks\.\d+)\.encoder\.", r"\1.encode."),
    (r"^(blocks\.\d+)\.decoder_(low|high)\.", r"\1.\2."),
    (r"\.layer1\.", ".first."),
    (r"\.layer2\.", ".second."),
    (r"\.layer4\.conv\.", ".last."),
    (r"\.alise\.conv\.", ".fuse."),
    (r"\.att(?:en)?\.conv_du\.0\.", ".gate.squeeze."),
    (r"\.att(?:en)?\.conv_du\.2\.", ".gate.excite."),
    (r"\.(first|second)\.conv\.", r".\1.narrow."),
    (r"\.(first|second)\.conv1\.", r".\1.widen."),
    (r"\.(first|second)\.relu\.", r".\1.activation."),
    (r"\.(first|second)\.weight1\.scale$", r".\1.of_input"),
    (r"\.(first|second)\.weight2\.scale$", r".\1.of_branch"),
    (r"^(blocks\..*)\.weight2\.scale$", r"\1.of_second"),
    (r"^(blocks\..*)\.weight3\.scale$", r"\1.of_first"),
    (r"^(blocks\..*)\.weight4\.scale$", r"\1.of_input"),
    (r"^(blocks\..*)\.weight5\.scale$", r"\1.of_last"),
    (r"^body\.0\.weight1\.scale$", "of_head"),
    (r"^body\.0\.weight2\.scale$", "of_body"),
    (r"^body\.0\.reduce\.", "merge."),
    (r"^body\.0\.alise\.", "folded."),
    (r"^body\.0\.attention\.", "transformer."),
    (r"^(transformer)\.atten\.qkv\.", r"\1.ask."),
    (r"^(transformer)\.atten\.proj\.", r"\1.expand."),
    (r"^(transformer)\.atten\.", r"\1."),
    (r"^(transformer)\.norm1\.", r"\1.norm."),
    (r"^(transformer)\.norm2\.", r"\1.perceptron_norm."),
    (r"^(transformer)\.mlp\.fc1\.", r"\1.perceptron.0."),
    (r"^(transformer)\.mlp\.fc2\.", r"\1.perceptron.2."),
    (r"^tail\.0\.", "enlarge."),
    (r"^tail\.1\.", "tail."),
    (r"^up\.0\.", "skip_enlarge."),
    (r"^up\.1\.conv\.", "skip_tail."),
)
_UNUSED = re.compile(r"^blocks\.\d+\.(?:encode|low|high|last)\.weight1\.scale$")
"""Unused scalars of the released code, one in every residual block."""


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys, without the unused scalars."""
    if "body.0.attention.atten.qkv.weight" not in state:
        return state
    renamed = rename(state, _KEYS)
    return {key: value for key, value in renamed.items() if not _UNUSED.match(key)}


def options_of(state: StateDict) -> Options | None:
    """Infer ESRT's constructor arguments from a checkpoint; None if it is not an ESRT."""
    features, channels = width_of(state, "head.weight")
    narrow, _ = width_of(state, "blocks.0.gate.squeeze.weight")
    scale = scale_of_enlarger(state, "enlarge.")
    if not channels or not narrow or scale is None or "transformer.ask.weight" not in state:
        return None
    return {
        "scale": scale,
        "channels": channels,
        "features": features,
        "blocks": count(state, r"blocks\.(\d+)\."),
        "reduction": features // narrow,
    }


ARCHITECTURE = Architecture(
    network=ESRT,
    title="ESRT",
    summary="Light transformer that uses the whole image; slow for large images.",
    paper="https://arxiv.org/abs/2108.11084",
    year=2022,
    forms=(Variant("ESRT"),),
    options_of=options_of,
    adapt=adapt,
    example={
        "scale": 2,
        "channels": 3,
        "features": 16,
        "blocks": 1,
        "reduction": 8,
    },
)
