"""What IMDN, RFDN, BSRN and BSRN-S have in common.

A head, blocks in series, all block outputs fused by a 1x1, one more convolution with a long
skip, and one sub-pixel upsampling. The fusion is accumulated after every second block, so that no
more than three feature planes of it are ever held: the sum, and the outputs of two blocks, of which
the second reads the first anyway. Of p pixels, C features, e bytes each and an even number b of
blocks, this moves (2b - 1)pCe; one block at a time would move (3b - 1)pCe.

Letters: N images, C features, H x W pixels, S scale.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import torch
from torch import Tensor, nn

from napari_sr.models._blocks import (
    SubPixel3x3,
    activation_of,
    conv1x1,
    count,
    scale_of_shuffle,
    weight_and_bias,
    width_of,
)
from napari_sr.models._chain import IMAGE, RESULT, Chain, Link, Step
from napari_sr.models._network import Network, Options, StateDict
from sr_kernels.esdb_tail import esdb_tail, refine
from sr_kernels.pointwise_sum import pointwise_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


_Weights: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""Weight and bias of four 1x1 convolutions."""


class Distillation(nn.Module):
    """The local front of RFDN's and BSRN's blocks.

    Three refinements with a skip each; a 1x1 leaves a distilled part behind before every one.

    Parameters
    ----------
    features : int
        Width C of the block; each distilled part has half of it.
    convolution : callable
        Makes a 3x3 from (inputs, outputs) that keeps the size, takes a residual, and activates.
    activation : nn.Module
        Follows every distillation; one that kernels know.
    """

    RADIUS = 4
    """Four 3x3 in a row."""

    def __init__(
        self,
        *,
        features: int,
        convolution: Callable[[int, int], nn.Module],
        activation: nn.Module,
    ) -> None:
        super().__init__()
        distilled = features // 2
        self.distil = nn.ModuleList(conv1x1(features, distilled) for _ in range(3))
        self.refine = nn.ModuleList(convolution(features, features) for _ in range(3))
        self.last = convolution(features, distilled)
        self.fuse = conv1x1(4 * distilled, features)
        self.activation, self.slope = activation_of(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return refine(*self._planes(x), *self._weights(), self.activation, self.slope)

    def refine_and_squeeze(self, x: Tensor, squeeze: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Return the refined features, (N, C, H, W), and what a 1x1 squeezes out of them."""
        squeezing = weight_and_bias(squeeze)
        activation, slope = self.activation, self.slope
        return esdb_tail(*self._planes(x), *self._weights(), *squeezing, activation, slope)

    def _planes(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what is distilled, and the last part."""
        first = self.refine[0](x, x)
        second = self.refine[1](first, first)
        return x, first, second, self.last(self.refine[2](second, second))

    def _weights(self) -> _Weights:
        """Return weight and bias of every distillation, then of the fusion."""
        x, first, second = (weight_and_bias(cast("nn.Conv2d", layer)) for layer in self.distil)
        return *x, *first, *second, *weight_and_bias(self.fuse)


class DistillationBlock(Protocol):
    """A block that can say itself as links."""

    def chain(self, x: str, y: str) -> Iterable[Link]:
        """Return the links that make plane `y` of plane `x`, skip included."""
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
        Follows the fusion; one that kernels know.
    merge : nn.Module
        (N, C, H, W), and the long skip that it adds, to the same, looking 1 pixel around.
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
        merge: nn.Module,
        features: int,
        replication: int = 1,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.features = features
        self.replication = replication
        self.head = head
        self.blocks = nn.ModuleList(blocks)
        self.fuse = conv1x1(len(self.blocks) * features, features)
        self.activation, self.slope = activation_of(activation)
        self.merge = merge
        self.tail = SubPixel3x3(features, channels, scale=scale)

    def chain(self) -> Chain:
        """Return the head, the blocks with their attention, and the tail."""
        links: list[Link] = [Step(self._start, (IMAGE,), ("shallow",), radius=1)]
        for index, block in enumerate(self.blocks):
            x = f"x{index}" if index else "shallow"
            links.extend(cast("DistillationBlock", block).chain(x, f"x{index + 1}"))
            # an odd one is left over at the end
            if index % 2 or index + 1 == len(self.blocks):
                links.append(self._fusion(index // 2 * 2, index + 1))
        # one 3x3 on the features, one before the pixel shuffle
        links.append(Step(self._finish, ("fused", "shallow"), (RESULT,), 2, scale=self.scale))
        return tuple(links)

    def _start(self, image: Tensor) -> Tensor:
        repeated = (image * self.input_range).repeat(1, self.replication, 1, 1)
        shallow: Tensor = self.head(repeated)
        return shallow

    def _fusion(self, start: int, stop: int) -> Step:
        """Return the link that adds the outputs of these blocks, one or two, to the fusion."""
        outputs = tuple(f"x{index + 1}" for index in range(start, stop))
        reads = (*outputs, "fused") if start else outputs
        return Step(partial(self._fuse, start, stop), reads, ("fused",))

    def _fuse(self, start: int, stop: int, *planes: Tensor) -> Tensor:
        """Add some blocks' share of the 1x1 over all blocks' concatenated outputs.

        `planes` are these blocks' outputs, then what earlier ones have given. After the last
        block, the sum is activated.
        """
        shares = torch.split(self.fuse.weight, self.features, dim=1)[start:stop]
        x, *others = planes[: stop - start]
        return pointwise_sum(
            x,
            shares[0],
            bias=None if start else self.fuse.bias,
            other=others[0] if others else None,
            other_weight=shares[1] if others else None,
            residual=planes[-1] if start else None,
            activation=self.activation if stop == len(self.blocks) else "none",
            slope=self.slope,
        )

    def _finish(self, fused: Tensor, shallow: Tensor) -> Tensor:
        result: Tensor = self.tail(self.merge(fused, shallow), 1 / self.input_range)
        return result


def trunk_options(state: StateDict, head: str, replication: int = 1) -> Options | None:
    """Read scale, channels, features and blocks off a `DistillationNetwork`'s tensors.

    Parameters
    ----------
    state : mapping of str to Tensor
        A checkpoint by our own keys.
    head : str
        The key of the first convolution's weight.
    replication : int
        As in `DistillationNetwork`.

    Returns
    -------
    dict or None
        None where these are another network's tensors.
    """
    features, inputs = width_of(state, head)
    channels = inputs // replication
    scale = scale_of_shuffle(width_of(state, "tail.weight")[0], channels)
    # ESA is a quarter as wide, and needs a channel
    if scale is None or features < 4:
        return None
    blocks = count(state, r"blocks\.(\d+)\.")
    return {"scale": scale, "channels": channels, "features": features, "blocks": blocks}


def reduction_of(state: StateDict) -> int | None:
    """Return how many times narrower the first block's channel gate is inside, or None."""
    inner, outer = width_of(state, "blocks.0.channel.squeeze.weight")
    return outer // inner if 1 <= inner <= outer else None


BLOCK_KEYS = (
    (r"^fea_conv\.", "head."),
    (r"^B(\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}."),
    (r"\.c([123])_d\.", lambda match: f".front.distil.{int(match[1]) - 1}."),
    (r"\.c([123])_r\.", lambda match: f".front.refine.{int(match[1]) - 1}."),
    (r"(blocks\.\d+)\.c4\.", r"\1.front.last."),
    (r"(blocks\.\d+)\.c5\.", r"\1.front.fuse."),
    (r"\.esa\.conv1\.", ".spatial.squeeze."),
    (r"\.esa\.conv2\.", ".spatial.pool."),
    (r"\.esa\.conv_max\.", ".spatial.low.0."),
    (r"\.esa\.conv3\.", ".spatial.low.1."),
    (r"\.esa\.conv3_\.", ".spatial.low.2."),
    (r"\.esa\.conv_f\.", ".spatial.skip."),
    (r"\.esa\.conv4\.", ".spatial.excite."),
    (r"\.cca\.conv(?:_du)?\.0\.", ".channel.squeeze."),
    (r"\.cca\.conv(?:_du)?\.2\.", ".channel.excite."),
)
"""The keys that RFDN's and BSRN's authors share, and ours."""
