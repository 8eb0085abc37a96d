"""MS-LapSRN: one Laplacian pyramid for several scales, whose levels share all weights.

Lai et al., "Fast and Accurate Image Super-Resolution with Deep Laplacian Pyramid Networks",
IEEE TPAMI 2019, https://arxiv.org/abs/1710.01992

Symbols: N images, C features, H x W pixels, S scale, D depth, R recursions.
A level runs the same D convolutions R times, and each time adds the level's input to the result
(the paper's shared-source skip). All levels share their layers. So a checkpoint shows neither the
scale nor R: the authors' files D5R2, D5R5 and D5R8 have the same shapes. If the scale is not a
power of 2, the result of the next larger power is shrunk, as the authors do for x3. The authors'
networks take luma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, Chain
from napari_sr.graph.grids import chain_of, operation, same
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import conv3x3, count, rename, width_of
from napari_sr.layers.pyramid import (
    SLOPE,
    Doubling,
    Leaky3x3,
    fitted,
    levels_of,
    of_matconvnet,
    set_bilinear,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class MSLapSRN(Network):
    """One level, used repeatedly: it doubles features and image, and adds a residual to the image.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 1 for luma.
    features, depth, recursions : int
        Width, D and R: 64, 5, and 2, 5 or 8 in the paper. R is not stored in checkpoints.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    full_range = False  # luma

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 1,
        features: int = 64,
        depth: int = 5,
        recursions: int = 8,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if depth < 1 or recursions < 1:
            raise ValueError(
                f"MS-LapSRN needs a depth and recursions of at least 1, got depth={depth}, "
                f"recursions={recursions}"
            )
        self.recursions = recursions
        self.head = conv3x3(channels, features)
        self.body = nn.ModuleList(Leaky3x3(features, features) for _ in range(depth))
        self.doubling = Doubling(features, features, kernel=3)
        self.residual = conv3x3(features, channels)
        self.doubling_image = Doubling(channels, channels, kernel=4, bias=False)
        set_bilinear(self.doubling_image.weight)
        self.activation = nn.LeakyReLU(SLOPE)

    def chain(self) -> Chain:
        """Return local steps: the network is purely convolutional."""
        operations = [operation(self._start, {IMAGE: same(1)}, "x", 1)]
        source, image, scale = "x", IMAGE, 1
        for level in range(1, levels_of(self.scale) + 1):
            x = f"x{level}"
            operations.append(operation(self.activation, {source: same()}, x, scale))
            for number, (convolve, last) in enumerate(self._recursions()):
                reads = {x: same(1), source: same()} if last else {x: same(1)}
                x = f"x{level}.{number}"
                operations.append(operation(convolve, reads, x, scale))
            source, scale = f"source{level}", 2 * scale
            operations.append(operation(self.doubling, {x: self.doubling.reach}, source, scale))
            reads = {source: same(1), image: self.doubling_image.reach}
            image = f"{IMAGE}{level}"
            operations.append(operation(self._rebuild, reads, image, scale))
        return chain_of(fitted(operations, self.scale))

    def pyramid(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the image of every level; training compares each with the truth at its size.

        Parameters
        ----------
        image : Tensor, (N, channels, H, W)

        Returns
        -------
        tuple of Tensor, (N, channels, 2 * H, 2 * W), (N, channels, 4 * H, 4 * W)...
        """
        self._check(image)
        source = self._start(image)
        images: list[Tensor] = []
        for _ in range(levels_of(self.scale)):
            x = self.activation(source)
            for convolve, last in self._recursions():
                x = convolve(x, source) if last else convolve(x)
            source = self.doubling(x)
            image = self._rebuild(source, image)
            images.append(image)
        return tuple(images)

    def _recursions(self) -> Iterator[tuple[Leaky3x3, bool]]:
        """Yield the convolutions of a level, and whether each is the last of a recursion.

        The paper has a leaky ReLU before each convolution; here it is after each convolution.
        """
        last = len(self.body) - 1
        for _ in range(self.recursions):
            for index, convolve in enumerate(self.body):
                yield cast("Leaky3x3", convolve), index == last

    def _start(self, image: Tensor) -> Tensor:
        x: Tensor = self.head(image * self.input_range)
        return x

    def _rebuild(self, features: Tensor, image: Tensor) -> Tensor:
        result: Tensor = self.doubling_image(image) + self.residual(features) / self.input_range
        return result


_AUTHORS = (
    (r"^img_up\.", "doubling_image."),
    (r"^upconv\.", "doubling."),
    (r"^residual_conv\.", "residual."),
    (r"^conv(\d+)\.", lambda match: f"body.{int(match[1]) - 1}."),
    (r"^input_conv\.", "head."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys to this network's keys."""
    return rename(of_matconvnet(state), _AUTHORS) if "img_up_f" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer MS-LapSRN's constructor arguments from a checkpoint; None if it is not one.

    A checkpoint shows neither the scale nor R.
    """
    features, channels = width_of(state, "head.weight")
    depth = count(state, r"body\.(\d+)\.weight")
    if not (features and depth and "doubling_image.weight" in state):
        return None
    return {"channels": channels, "features": features, "depth": depth}


ARCHITECTURE = Architecture(
    network=MSLapSRN,
    title="MS-LapSRN",
    summary="Small: one recursive level is used for every doubling; luma; any scale.",
    paper="https://arxiv.org/abs/1710.01992",
    year=2019,
    forms=tuple(Variant(f"MS-LapSRN D5R{r}", (2, 3, 4, 8), {"recursions": r}) for r in (2, 5, 8)),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 6, "depth": 1},
)
