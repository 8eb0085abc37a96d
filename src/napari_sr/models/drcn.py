"""DRCN: deeply-recursive convolutional network.

Kim et al., "Deeply-Recursive Convolutional Network for Image Super-Resolution", CVPR 2016,
https://arxiv.org/abs/1511.04491

Symbols: N images, C features, H x W pixels, S scale, D depth.
The network first enlarges the luma bicubically. One convolution runs D times; after each time, the
same two layers predict the image, and the result is the weighted sum of all D predictions. The
paper adds the enlarged image to each prediction. A public variant (jiny2001) appends the enlarged
image, as one more channel, to the features of a prediction, applies a ReLU to the prediction, and
divides the sum by the sum of the weights. With `joined`, this network is the variant.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain
from napari_sr.graph.grids import chain_of, operation, resized, same
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import Activated3x3, rename, shape_of, width_of
from napari_sr.layers.resize import imresize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class DRCN(Network):
    """One convolution, applied repeatedly, with a prediction after each time.

    Parameters
    ----------
    scale, channels : int
        Enlargement (not stored in checkpoints), and image channels: 1 for luma.
    features, depth : int
        Width C, and D: 256 and 16 in the paper.
    joined : bool
        True: the enlarged image is one more channel of the features (the variant). False: it is
        added to each prediction (the paper).
    input_range : float, optional
        The value of white that the weights expect; None for 255 if `joined`, otherwise 1.
    """

    full_range = False  # luma

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 1,
        features: int = 256,
        depth: int = 16,
        joined: bool = False,
        input_range: float | None = None,
    ) -> None:
        if input_range is None:
            input_range = 255.0 if joined else 1.0
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if depth < 1:
            raise ValueError(f"DRCN needs a depth of at least 1, got depth={depth}")
        self.depth = depth
        self.joined = joined
        rectifier = nn.ReLU()
        self.head = Activated3x3(channels, features, activation=rectifier)
        self.embed = Activated3x3(features, features, activation=rectifier)
        self.recur = Activated3x3(features, features, activation=rectifier)
        self.rebuild = Activated3x3(features, features, activation=rectifier)
        self.tail = Activated3x3(
            features + channels * joined, channels, activation=rectifier if joined else None
        )
        self.weights = nn.Parameter(torch.full((depth,), 1 / depth))
        self._begin()

    def _begin(self) -> None:
        """Initialise the weights for training.

        PyTorch's default weights shrink features, and nothing would remain after D recursions. So
        the recursion starts as the identity, as in the variant (jiny2001/deeply-recursive-cnn-tf).
        """
        for layer in (self.head, self.embed, self.rebuild, self.tail):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.dirac_(self.recur.weight)
        for layer in (self.head, self.embed, self.recur, self.rebuild, self.tail):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def chain(self) -> Chain:
        """Return local steps: the network is purely convolutional."""
        scale = self.scale
        operations = [
            operation(self._enlarge, {IMAGE: resized(scale)}, "enlarged", scale),
            operation(self.head, {"enlarged": same(1)}, "x", scale),
            operation(self.embed, {"x": same(1)}, "x0", scale),
        ]
        for kind, depth in self._order():
            x, total = f"x{depth}", RESULT if depth == self.depth else f"total{depth}"
            if kind == "recur":
                operations.append(operation(self.recur, {f"x{depth - 1}": same(1)}, x, scale))
                continue
            reads = {x: same(2), "enlarged": same(int(self.joined))}
            if depth > 1:
                reads[f"total{depth - 1}"] = same()
            add = partial(self._add, depth=depth)
            operations.append(operation(add, reads, total, scale))
        return chain_of(operations)

    def predictions(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the prediction of every depth; training compares each with the truth.

        Parameters
        ----------
        image : Tensor, (N, channels, H, W)

        Returns
        -------
        tuple of Tensor, D times (N, channels, S * H, S * W)
        """
        self._check(image)
        enlarged = self._enlarge(image)
        x = self.embed(self.head(enlarged))
        found: list[Tensor] = []
        for _ in range(self.depth):
            x = self.recur(x)
            found.append(self._predict(x, enlarged) / self.input_range)
        return tuple(found)

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """Combine the predictions of all depths into the result, as `forward` does.

        Parameters
        ----------
        predictions : sequence of Tensor, D times (N, channels, S * H, S * W)

        Returns
        -------
        Tensor, (N, channels, S * H, S * W)
        """
        pairs = zip(self.weights.unbind(), predictions, strict=True)
        total = torch.stack([weight * one for weight, one in pairs]).sum(0)
        return total / self.weights.sum() if self.joined else total

    def _order(self) -> Iterator[tuple[str, int]]:
        """Yield recursions and predictions in the order in which they run.

        A prediction has radius 2, like two recursions. If it runs two recursions late, it needs no
        more pixels than the next recursion, and the chain can be cut there.
        """
        for depth in range(1, self.depth + 1):
            yield "recur", depth
            if depth > 2:
                yield "predict", depth - 2
        for depth in range(max(self.depth - 1, 1), self.depth + 1):
            yield "predict", depth

    def _enlarge(self, image: Tensor) -> Tensor:
        enlarged = image if self.scale == 1 else imresize(image, self.scale)
        return enlarged * self.input_range

    def _predict(self, x: Tensor, enlarged: Tensor) -> Tensor:
        features = self.rebuild(x)
        if self.joined:
            joined: Tensor = self.tail(torch.cat([features, enlarged], dim=1))
            return joined
        added: Tensor = self.tail(features, enlarged)
        return added

    def _add(
        self, x: Tensor, enlarged: Tensor, total: Tensor | None = None, *, depth: int
    ) -> Tensor:
        """Return the sum with one more prediction; after the last one, the result."""
        more = self._predict(x, enlarged) * self.weights[depth - 1]
        total = more if total is None else total + more
        if depth < self.depth:
            return total
        return total / (self.input_range * (self.weights.sum() if self.joined else 1))


_VARIANT = (
    (r"^W-1_conv\.conv_W_1$", "head.weight"),
    (r"^W-1_conv\.conv_B$", "head.bias"),
    (r"^W0_conv\.conv_W_1$", "embed.weight"),
    (r"^W0_conv\.conv_B$", "embed.bias"),
    (r"^W_conv$", "recur.weight"),
    (r"^B$", "recur.bias"),
    (r"^WD1_conv_1$", "rebuild.weight"),
    (r"^BD1$", "rebuild.bias"),
    (r"^WD2_conv_1$", "tail.weight"),
    (r"^BD2$", "tail.bias"),
    (r"^LayerWeights$", "weights"),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the variant's keys to this network's keys, and reorder TensorFlow's axes."""
    if "LayerWeights" not in state:
        return state
    return {
        # TensorFlow's axes are rows, columns, inputs and outputs
        key: value.permute(3, 2, 0, 1) if value.ndim == 4 else value
        for key, value in rename(state, _VARIANT).items()
    }


def options_of(state: StateDict) -> Options | None:
    """Infer DRCN's constructor arguments from a checkpoint; None if it is not a DRCN.

    The scale cannot be inferred from it.
    """
    features, channels = width_of(state, "head.weight")
    depth = shape_of(state, "weights")
    if not features or len(depth) != 1 or "recur.weight" not in state:
        return None
    joined = width_of(state, "tail.weight")[1] == features + channels
    return {"channels": channels, "features": features, "depth": depth[0], "joined": joined}


ARCHITECTURE = Architecture(
    network=DRCN,
    title="DRCN",
    summary="One layer is used many times, with a prediction each time; luma; slow.",
    paper="https://arxiv.org/abs/1511.04491",
    year=2016,
    forms=(
        Variant("DRCN"),
        Variant("DRCN (jiny2001)", (2,), {"features": 96, "depth": 9, "joined": True}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 6, "depth": 5},
)
