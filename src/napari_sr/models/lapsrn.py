"""LapSRN: Laplacian pyramid super-resolution network.

Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution",
CVPR 2017, https://arxiv.org/abs/1704.03915

Symbols: N images, C features, H x W pixels, S scale.
Every level doubles the image, and adds a residual that it predicts from doubled features. Features
are enlarged by a transposed 3x3 convolution in the released networks (`.mat`), and by 4x4 in the
paper and in a public port (twtygqyy), which has no biases. If the scale is not a power of 2, the
result of the next larger power is shrunk, as the authors do for x3. The authors' networks take
luma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, Chain
from napari_sr.graph.grids import chain_of, operation, same
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import conv3x3, count, rename, shape_of, width_of
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
    import re
    from collections.abc import Iterable


class Level(nn.Module):
    """One level: it doubles features and image, and adds a residual predicted from the features.

    Parameters
    ----------
    channels, features, depth : int
        Image channels, width, and number of convolutions.
    kernel : int
        Side of the transposed convolution of features: 3 or 4.
    bias : bool
        Whether convolutions have a bias.
    input_range : float
        Divisor of the residual.
    """

    def __init__(
        self,
        *,
        channels: int,
        features: int,
        depth: int,
        kernel: int,
        bias: bool,
        input_range: float,
    ) -> None:
        super().__init__()
        self.input_range = input_range
        self.body = nn.Sequential(*(Leaky3x3(features, features, bias=bias) for _ in range(depth)))
        self.doubling = Doubling(features, features, kernel=kernel, bias=bias)
        self.residual = conv3x3(features, channels, bias=bias)
        self.doubling_image = Doubling(channels, channels, kernel=4, bias=False)
        set_bilinear(self.doubling_image.weight)
        self.activation = nn.LeakyReLU(SLOPE)

    def enlarge(self, x: Tensor) -> Tensor:
        """Double the size of features: (N, C, H, W) to (N, C, 2 * H, 2 * W)."""
        result: Tensor = self.activation(self.doubling(x))
        return result

    def rebuild(self, features: Tensor, image: Tensor) -> Tensor:
        """Double an image, and add the residual predicted from the doubled features."""
        result: Tensor = self.doubling_image(image) + self.residual(features) / self.input_range
        return result


class LapSRN(Network):
    """Levels in series: each doubles the features and the image, and adds a residual to the image.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 1 for luma.
    features, depth : int
        Width, and number of convolutions in each level: 64 and 10 in the authors' networks for x2
        and x4, 64 and 5 for x8.
    kernel : int
        Side of the transposed convolutions of features: 3 as released, or 4.
    bias : bool
        Whether convolutions have a bias.
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
        depth: int = 10,
        kernel: int = 3,
        bias: bool = True,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        if kernel not in (3, 4):
            raise ValueError(f"LapSRN needs a kernel of 3 or 4, got kernel={kernel}")
        self.head = Leaky3x3(channels, features, bias=bias)
        self.levels = nn.ModuleList(
            Level(
                channels=channels,
                features=features,
                depth=depth,
                kernel=kernel,
                bias=bias,
                input_range=input_range,
            )
            for _ in range(levels_of(scale))
        )

    def chain(self) -> Chain:
        """Return local steps: the network is purely convolutional."""
        operations = [operation(self._start, {IMAGE: same(1)}, "x", 1)]
        x, image, scale = "x", IMAGE, 1
        for index, level in enumerate(cast("Iterable[Level]", self.levels), start=1):
            for number, convolve in enumerate(level.body):
                before, x = x, f"x{index}.{number}"
                operations.append(operation(convolve, {before: same(1)}, x, scale))
            before, x, scale = x, f"x{index}", 2 * scale
            operations.append(operation(level.enlarge, {before: level.doubling.reach}, x, scale))
            reads = {x: same(1), image: level.doubling_image.reach}
            image = f"{IMAGE}{index}"
            operations.append(operation(level.rebuild, reads, image, scale))
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
        x = self._start(image)
        images: list[Tensor] = []
        for level in cast("Iterable[Level]", self.levels):
            x = level.enlarge(level.body(x))
            image = level.rebuild(x, image)
            images.append(image)
        return tuple(images)

    def _start(self, image: Tensor) -> Tensor:
        x: Tensor = self.head(image * self.input_range)
        return x


_LAYERS = (
    (r"\.img_up\.", ".doubling_image."),
    (r"\.upconv\.", ".doubling."),
    (r"\.residual_conv\.", ".residual."),
    (r"\.conv(\d+)\.", lambda match: f".body.{int(match[1]) - 1}."),
    (r"^input_conv\.", "head."),
)
_PORT = (
    (r"^conv_input\.", "head."),
    (r"^convt_I(\d+)\.", lambda match: f"levels.{int(match[1]) - 1}.doubling_image."),
    (r"^convt_R(\d+)\.", lambda match: f"levels.{int(match[1]) - 1}.residual."),
    (r"^convt_F(\d+)\.0\.cov_block\.", lambda match: f"levels.{int(match[1]) - 1}.body."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the authors' keys and those of a public port to this network's keys."""
    if "level1_img_up_f" in state:
        levels = count(state, r"level(\d+)_img_up_f")
        # the authors number levels from the largest image
        first = (r"^level(\d+)_", lambda match: f"levels.{levels - int(match[1])}.")
        return rename(of_matconvnet(state), (first, *_LAYERS))
    if "convt_F1.0.cov_block.0.weight" not in state:
        return state
    depth = count(state, r"convt_F1\.0\.cov_block\.(\d+)\.weight") - 1

    def part(match: re.Match[str]) -> str:
        """Return our name for a level's layer; every second layer is a leaky ReLU."""
        place = int(match[1]) // 2
        return f".body.{place}." if place < depth else ".doubling."

    return rename(state, (*_PORT, (r"\.body\.(\d+)\.", part)))


def options_of(state: StateDict) -> Options | None:
    """Infer LapSRN's constructor arguments from a checkpoint; None if it is not one."""
    features, channels = width_of(state, "head.weight")
    kernel = shape_of(state, "levels.0.doubling.weight")[2:3]
    levels = count(state, r"levels\.(\d+)\.")
    if not features or kernel not in ((3,), (4,)) or levels > 8:
        return None
    return {
        "scale": 2**levels,
        "channels": channels,
        "features": features,
        "depth": count(state, r"levels\.0\.body\.(\d+)\."),
        "kernel": kernel[0],
        "bias": "head.bias" in state,
    }


ARCHITECTURE = Architecture(
    network=LapSRN,
    title="LapSRN",
    summary="Doubles step by step, and gives an image at every size; luma.",
    paper="https://arxiv.org/abs/1704.03915",
    year=2017,
    forms=(
        Variant("LapSRN", (2, 4)),
        Variant("LapSRN x8", (8,), {"depth": 5}),
        Variant("LapSRN (twtygqyy)", (4,), {"kernel": 4, "bias": False}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 6, "depth": 3},
)
