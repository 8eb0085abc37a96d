"""ESPCN: efficient sub-pixel convolutional neural network.

Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", CVPR 2016, https://arxiv.org/abs/1609.05158

Symbols: N images, C image channels, H x W pixels, S scale.
The paper's network has tanh between its convolutions, as here. Other checkpoints have ReLU, and the
one for OpenCV also applies tanh to its result: both are options. The paper's network takes luma;
checkpoints of three channels take RGB.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    Activated3x3,
    SubPixel3x3,
    rename,
    scale_of_shuffle,
    width_of,
)


class ESPCN(Network):
    """A 5x5 and a 3x3 convolution on the LR image, then one sub-pixel convolution.

    Parameters
    ----------
    scale : int
        Factor of the pixel shuffle.
    channels : int
        1 for luma, 3 for RGB.
    features, mapped : int
        Width after the first and the second convolution: 64 and 32 in the paper.
    rectified : bool
        Whether ReLU, instead of tanh, follows the first two convolutions.
    squashed : bool
        Whether tanh follows the pixel shuffle.
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
        mapped: int = 32,
        rectified: bool = False,
        squashed: bool = False,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.activation = nn.ReLU() if rectified else nn.Tanh()
        self.extract = nn.Conv2d(channels, features, 5, padding=2)
        self.map = Activated3x3(features, mapped, activation=self.activation)
        last = nn.Tanh() if squashed else nn.Identity()
        self.enlarge = SubPixel3x3(mapped, channels, scale=scale, activation=last)

    def chain(self) -> Chain:
        """Return one local step: the network is purely convolutional."""
        return (Step(self._compute, (IMAGE,), (RESULT,), radius=4, scale=self.scale),)

    def _compute(self, image: Tensor) -> Tensor:
        x = self.activation(self.extract(self.in_input_range(image)))
        result: Tensor = self.enlarge(self.map(x))
        # dividing by 1 would launch a kernel for nothing
        return result if self.input_range == 1 else result / self.input_range


# three public layouts: yjn870 and its port to Paddle, Nhat-Thanh, and Lornatang
_LAYOUTS = {
    "last_part.0.weight": (r"first_part\.0", r"first_part\.2", r"last_part\.0"),
    "conv_3.weight": ("conv_1", "conv_2", "conv_3"),
    "sub_pixel.0.weight": (r"feature_maps\.0", r"feature_maps\.2", r"sub_pixel\.0"),
}


def adapt(state: StateDict) -> StateDict:
    """Rename three public layouts of keys to this network's keys."""
    for known, names in _LAYOUTS.items():
        if known in state:
            ours = zip(names, ("extract", "map", "enlarge"), strict=True)
            return rename(state, [(rf"^{theirs}\.", f"{name}.") for theirs, name in ours])
    return state


def options_of(state: StateDict) -> Options | None:
    """Infer ESPCN's constructor arguments from a checkpoint; None if it is not an ESPCN."""
    features, channels = width_of(state, "extract.weight")
    mapped, _ = width_of(state, "map.weight")
    outputs, _ = width_of(state, "enlarge.weight")
    scale = scale_of_shuffle(outputs, channels)
    if not (features and mapped) or scale is None:
        return None
    return {"scale": scale, "channels": channels, "features": features, "mapped": mapped}


ARCHITECTURE = Architecture(
    network=ESPCN,
    title="ESPCN",
    summary="Very small and fast; luma.",
    paper="https://arxiv.org/abs/1609.05158",
    year=2016,
    forms=(Variant("ESPCN"),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 8, "mapped": 4},
)
