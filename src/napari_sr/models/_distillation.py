"""What IMDN, RFDN, BSRN and BSRN-S have in common.

A head, blocks in series, all block outputs fused by a 1x1, one more convolution with a long
skip, and one sub-pixel upsampling. The fusion is accumulated block by block, so that no more
than two feature planes of it are ever held.

Letters: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional

from napari_sr.models._blocks import conv1x1, conv3x3
from napari_sr.models._chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.models._network import Network


class DistillationBlock(Protocol):
    """A block that can say itself as links."""

    def chain(self) -> Iterable[Link]:
        """Return the links that turn plane `x` into the next block's `x`, skip included."""
        ...


class DistillationNetwork(Network):
    """Blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels, input_range
        As in `Network`.
    head : nn.Module
        (N, replication * channels, H, W) to (N, C, H, W), looking 1 pixel around.
    blocks : iterable of nn.Module
        Each with a method `chain` (see `DistillationBlock`).
    activation : nn.Module
        Follows the fusion.
    refine : nn.Module
        (N, C, H, W) to the same, looking 1 pixel around, before the long skip.
    features : int
        Channels C of every block's output.
    replication : int
        How often the image is repeated along channels before the head.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        input_range: float,
        head: nn.Module,
        blocks: Iterable[nn.Module],
        activation: nn.Module,
        refine: nn.Module,
        features: int,
        replication: int = 1,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.features = features
        self.replication = replication
        self.head = head
        self.blocks = nn.ModuleList(blocks)
        self.fuse = conv1x1(len(self.blocks) * features, features)
        self.activation = activation
        self.refine = refine
        self.tail = conv3x3(features, channels * scale**2)

    def chain(self) -> Chain:
        """Return the head, the blocks with their attention, and the tail."""
        links: list[Link] = [Step(self._start, (IMAGE,), ("shallow", "x"), radius=1)]
        for index, block in enumerate(self.blocks):
            links.extend(block.chain())  # type: ignore[operator]  # every block has one
            reads = ("x", "fused") if index else ("x",)
            links.append(Step(partial(self._fuse, index), reads, ("fused",)))
        # one 3x3 on the features, one before the pixel shuffle
        links.append(Step(self._finish, ("fused", "shallow"), (RESULT,), 2, scale=self.scale))
        return tuple(links)

    def _start(self, image: Tensor) -> tuple[Tensor, Tensor]:
        repeated = (image * self.input_range).repeat(1, self.replication, 1, 1)
        shallow = self.head(repeated)
        return shallow, shallow

    def _fuse(self, index: int, x: Tensor, fused: Tensor | None = None) -> Tensor:
        """Add block `index`'s share of the 1x1 over all blocks' concatenated outputs."""
        mine = slice(index * self.features, (index + 1) * self.features)
        if fused is None:
            return functional.conv2d(x, self.fuse.weight[:, mine], self.fuse.bias)
        return fused + functional.conv2d(x, self.fuse.weight[:, mine])

    def _finish(self, fused: Tensor, shallow: Tensor) -> Tensor:
        x = self.refine(self.activation(fused)) + shallow
        return functional.pixel_shuffle(self.tail(x), self.scale) / self.input_range
