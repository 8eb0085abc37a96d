"""DRRN: deep recursive residual network.

Tai et al., "Image Super-Resolution via Deep Recursive Residual Network", CVPR 2017,
https://openaccess.thecvf.com/content_cvpr_2017/html/Tai_Image_Super-Resolution_via_CVPR_2017_paper.html

Symbols: N images, C features, H x W pixels, S scale, B blocks, U units.
The network first enlarges the luma bicubically, and adds a residual to it. The units of a block
share their convolutions but not their normalisations, as in the authors' Caffe files. Public ports
omit normalisations and biases; U is not stored in their files. In one port (yjn870), ReLUs work in
place and so change a value that is added later; the ReLUs of this network do not.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain
from napari_sr.graph.grids import Operation, chain_of, operation, resized, same
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import conv3x3, count, rename, width_of
from napari_sr.layers.resize import imresize
from sr_kernels.conv3x3 import conv3x3 as convolve3x3

if TYPE_CHECKING:
    from collections.abc import Iterable


class Block(nn.Module):
    """A convolution, then U residual units, which share two convolutions.

    Every unit adds the first convolution's result. A normalisation and a ReLU precede every
    convolution.

    Parameters
    ----------
    inputs, features, units : int
        Input channels, width C, and U.
    norm, bias : bool
        Whether there are batch normalisations (`norm`) and biases (`bias`).
    """

    def __init__(self, *, inputs: int, features: int, units: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.units = units
        self.base = conv3x3(inputs, features, bias=bias)
        self.first = conv3x3(features, features, bias=bias)
        self.second = conv3x3(features, features, bias=bias)
        normalise = nn.BatchNorm2d if norm else nn.Identity
        self.base_norm = normalise(inputs)
        self.first_norms = nn.ModuleList(normalise(features) for _ in range(units))
        self.second_norms = nn.ModuleList(normalise(features) for _ in range(units))

    def enter(self, x: Tensor) -> Tensor:
        """Compute the base, which every unit adds: (N, inputs, H, W) to (N, C, H, W)."""
        return activate_and_convolve(x, self.base_norm, self.base)

    def begin(self, x: Tensor, *, unit: int) -> Tensor:
        """Compute the first half of a unit: (N, C, H, W) to the same shape."""
        return activate_and_convolve(x, self.first_norms[unit], self.first)

    def end(self, x: Tensor, base: Tensor, *, unit: int) -> Tensor:
        """Compute the second half of a unit and add the base, (N, C, H, W)."""
        return activate_and_convolve(x, self.second_norms[unit], self.second, base)

    def operations(self, x: str, name: str, scale: int) -> tuple[list[Operation], str]:
        """Return the block's operations on the plane `x`, and the name of the resulting plane.

        Parameters
        ----------
        x, name : str
            Name of the input plane, and prefix for the names of the block's planes.
        scale : int
            Size of the planes relative to the network's image.
        """
        base = f"{name}.base"
        found = [operation(self.enter, {x: same(1)}, base, scale)]
        x = base
        for unit in range(self.units):
            half, before, x = f"{name}.{unit}.half", x, f"{name}.{unit}"
            begin, end = partial(self.begin, unit=unit), partial(self.end, unit=unit)
            found.append(operation(begin, {before: same(1)}, half, scale))
            found.append(operation(end, {half: same(1), base: same()}, x, scale))
        return found, x


def activate_and_convolve(
    x: Tensor, norm: nn.Module, convolution: nn.Conv2d, residual: Tensor | None = None
) -> Tensor:
    """Normalise, apply ReLU, convolve, add: (N, inputs, H, W) to (N, outputs, H, W)."""
    active = functional.relu(norm(x))
    return convolve3x3(active, convolution.weight, convolution.bias, residual)


class DRRN(Network):
    """Recursive blocks in series, which predict the residual of the enlarged image.

    Parameters
    ----------
    scale, channels : int
        Enlargement (not stored in checkpoints), and image channels: 1 for luma.
    features, blocks, units : int
        Width C, B and U; the paper has 128, 1, and 25 or 9. Without `norm`, a checkpoint does not
        show U.
    norm, bias : bool
        Whether there are batch normalisations (`norm`) and biases (`bias`); the authors have both.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    full_range = False  # luma

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 1,
        features: int = 128,
        blocks: int = 1,
        units: int = 25,
        norm: bool = True,
        bias: bool = True,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.blocks = nn.ModuleList(
            Block(
                inputs=features if index else channels,
                features=features,
                units=units,
                norm=norm,
                bias=bias,
            )
            for index in range(blocks)
        )
        self.tail = conv3x3(features, channels, bias=bias)
        self.tail_norm = nn.BatchNorm2d(features) if norm else nn.Identity()

    def chain(self) -> Chain:
        """Return local steps: the network is purely convolutional."""
        scale = self.scale
        operations = [operation(self._enlarge, {IMAGE: resized(scale)}, "enlarged", scale)]
        x = "enlarged"
        for index, block in enumerate(cast("Iterable[Block]", self.blocks)):
            more, x = block.operations(x, f"block{index}", scale)
            operations += more
        reads = {x: same(1), "enlarged": same()}
        return chain_of([*operations, operation(self._finish, reads, RESULT, scale)])

    def _enlarge(self, image: Tensor) -> Tensor:
        enlarged = image if self.scale == 1 else imresize(image, self.scale)
        return enlarged * self.input_range

    def _finish(self, x: Tensor, enlarged: Tensor) -> Tensor:
        result = activate_and_convolve(x, self.tail_norm, self.tail, enlarged)
        return result / self.input_range


_PORT = (
    (r"^rbs\.(\d+)\.h0\.module\.1\.", r"blocks.\1.base."),
    (r"^rbs\.(\d+)\.ru\.module\.0\.module\.1\.", r"blocks.\1.first."),
    (r"^rbs\.(\d+)\.ru\.module\.1\.module\.1\.", r"blocks.\1.second."),
    (r"^rec\.module\.1\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the keys of yjn870's port and its derivatives to this network's keys."""
    return rename(state, _PORT) if "rec.module.1.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer DRRN's constructor arguments from a checkpoint; None if it is not a DRRN.

    The scale cannot be inferred from it, nor U if it has no normalisations.
    """
    features, channels = width_of(state, "blocks.0.base.weight")
    if not features or "blocks.0.second.weight" not in state:
        return None
    norm = "tail_norm.weight" in state
    options = {
        "channels": channels,
        "features": features,
        "blocks": count(state, r"blocks\.(\d+)\."),
        "norm": norm,
        "bias": "tail.bias" in state,
    }
    units = {"units": count(state, r"blocks\.0\.first_norms\.(\d+)\.")} if norm else {}
    return {**options, **units}


ARCHITECTURE = Architecture(
    network=DRRN,
    title="DRRN",
    summary="Few weights, which are used many times; luma; slow.",
    paper="https://openaccess.thecvf.com/content_cvpr_2017/html/"
    "Tai_Image_Super-Resolution_via_CVPR_2017_paper.html",
    year=2017,
    forms=(Variant("DRRN B1U9", options={"units": 9}), Variant("DRRN B1U25")),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 6, "blocks": 2, "units": 2},
)
