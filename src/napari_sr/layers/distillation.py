"""The trunk of IMDN, IMDN_AS, RFDN, BSRN and BSRN-S.

The trunk has a head, blocks in series, a 1x1 convolution that fuses the outputs of all blocks, one
more convolution with a long skip, and one sub-pixel upsampling. The fusion is accumulated after
every second block, so that it needs at most three feature planes in memory: the sum and the outputs
of two blocks. With p pixels, C features of e bytes, and an even number b of blocks, this moves
(2b - 1)pCe bytes; accumulating after every block would move (3b - 1)pCe. If the second block ends
in a channel gate and a skip, then one kernel computes gate, skip and fusion.

Symbols: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.graph.network import Network, Options, StateDict
from napari_sr.layers.blocks import (
    SubPixel3x3,
    activation_of,
    conv1x1,
    count,
    scale_of_shuffle,
    width_of,
)
from napari_sr.layers.distillation_block import Block
from sr_kernels.gated_fusion import gated_fusion
from sr_kernels.pointwise_sum import pointwise_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class DistillationBlock(Protocol):
    """A block that can be written as links of a chain."""

    def chain(self, x: str, y: str) -> Iterable[Link]:
        """Return the links that compute plane `y` from plane `x`, skip included."""
        ...


class DistillationNetwork(Network):
    """Blocks whose outputs are fused, then one sub-pixel upsampling.

    Parameters
    ----------
    scale, channels, input_range
        As in `Network`.
    features : int
        Channels C of every block's output.
    blocks : iterable of nn.Module
        Each has a method `chain` (see `DistillationBlock`).
    convolution : callable
        Takes (inputs, outputs); returns a 3x3 convolution that keeps the size and takes a residual.
        It makes the head and the convolution before the long skip.
    activation : nn.Module
        Activation after the fusion; one that `blocks.activation_of` accepts.
    head : nn.Module, optional
        Maps (N, channels, H, W) to features of any height and width; by default a convolution.
    factor : int, optional
        Enlargement by the tail; by default the scale.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int,
        input_range: float,
        features: int,
        blocks: Iterable[nn.Module],
        convolution: Callable[[int, int], nn.Module],
        activation: nn.Module,
        head: nn.Module | None = None,
        factor: int | None = None,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.features = features
        self.head = convolution(channels, features) if head is None else head
        self.blocks = nn.ModuleList(blocks)
        self.fuse = conv1x1(len(self.blocks) * features, features)
        self.activation, self.slope = activation_of(activation)
        self.merge = convolution(features, features)
        self.tail = SubPixel3x3(features, channels, scale=factor or scale)

    def chain(self) -> Chain:
        """Return the head, the blocks with their attention, and the tail."""
        links: list[Link] = [Step(self._start, (IMAGE,), ("shallow",), radius=1)]
        for index, block in enumerate(self.blocks):
            x = f"x{index}" if index else "shallow"
            if index % 2 and isinstance(block, Block) and block.ends_in_gate:
                links.extend(block.until_gate(x, "refined", "gate"))
                links.append(self._gated_fusion(index - 1))
                continue
            links.extend(cast("DistillationBlock", block).chain(x, f"x{index + 1}"))
            # with an odd number of blocks, the last one is alone
            if index % 2 or index + 1 == len(self.blocks):
                links.append(self._fusion(index // 2 * 2, index + 1))
        # radius 2: a 3x3 convolution of the features, and one before the pixel shuffle
        links.append(Step(self._finish, ("fused", "shallow"), (RESULT,), 2, scale=self.scale))
        return tuple(links)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(self.in_input_range(image))
        return shallow

    def _fusion(self, start: int, stop: int) -> Step:
        """Return the link that adds the outputs of these one or two blocks to the fusion."""
        outputs = tuple(f"x{index + 1}" for index in range(start, stop))
        reads = (*outputs, "fused") if start else outputs
        return Step(partial(self._fuse, start, stop), reads, ("fused",))

    def _fuse(self, start: int, stop: int, *planes: Tensor) -> Tensor:
        """Add the outputs of some blocks to the fusion.

        The fusion is a 1x1 convolution of all blocks' concatenated outputs. `planes` are the
        outputs of these blocks, then the sum over earlier blocks. After the last block, the
        activation follows.
        """
        shares = self._shares(start, stop)
        x, *others = planes[: stop - start]
        return pointwise_sum(
            x,
            shares[0],
            bias=None if start else self.fuse.bias,
            other=others[0] if others else None,
            other_weight=shares[1] if others else None,
            residual=planes[-1] if start else None,
            activation=self._activation(stop),
            slope=self.slope,
        )

    def _gated_fusion(self, start: int) -> Step:
        """Return the link that ends the second of two blocks, and adds both to the fusion."""
        x, y = f"x{start + 1}", f"x{start + 2}"
        reads = ("refined", x, "fused") if start else ("refined", x)
        compute = partial(self._gate_and_fuse, start)
        return Step(compute, reads, (y, "fused"), uses=("gate",))

    def _gate_and_fuse(
        self, start: int, refined: Tensor, x: Tensor, *fused_and_gate: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return gate * refined + x, and the fusion with both blocks added as in `_fuse`."""
        *fused, gate = fused_and_gate
        first, second = self._shares(start, start + 2)
        return gated_fusion(
            refined,
            gate,
            x,
            weight=second,
            residual_weight=first,
            bias=None if start else self.fuse.bias,
            total=fused[0] if fused else None,
            activation=self._activation(start + 2),
            slope=self.slope,
        )

    def _shares(self, start: int, stop: int) -> tuple[Tensor, ...]:
        """Return the fusion's weights for the outputs of these blocks."""
        return torch.split(self.fuse.weight, self.features, dim=1)[start:stop]

    def _activation(self, stop: int) -> str:
        """Return the activation after the first `stop` blocks: "none" unless these are all."""
        return self.activation if stop == len(self.blocks) else "none"

    def _finish(self, fused: Tensor, shallow: Tensor) -> Tensor:
        result: Tensor = self.tail(self.merge(fused, shallow), 1 / self.input_range)
        return result


def trunk_options(state: StateDict, head: str, replication: int = 1) -> Options | None:
    """Read scale, channels, features and blocks off a `DistillationNetwork`'s tensors.

    Parameters
    ----------
    state : mapping of str to Tensor
        A checkpoint with our keys.
    head : str
        The key of the first weight.
    replication : int
        Number of copies of the image that the head concatenates along channels.

    Returns
    -------
    dict or None
        The options; None if the tensors are another network's.
    """
    features, channels = width_of(state, "fuse.weight")[0], width_of(state, head)[1] // replication
    scale = scale_of_shuffle(width_of(state, "tail.weight")[0], channels)
    # ESA has a quarter of the width, and needs at least one channel
    if scale is None or features < 4:
        return None
    blocks = count(state, r"blocks\.(\d+)\.")
    return {"scale": scale, "channels": channels, "features": features, "blocks": blocks}


def reduction_of(state: StateDict) -> int | None:
    """Return the reduction of the first block's channel gate, or None if it has no gate."""
    inner, outer = width_of(state, "blocks.0.channel.squeeze.weight")
    return outer // inner if 1 <= inner <= outer else None
