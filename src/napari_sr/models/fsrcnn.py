"""FSRCNN: fast super-resolution convolutional neural network.

Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016,
https://arxiv.org/abs/1608.00367

Symbols: N images, C image channels, H x W pixels, S scale.
As in the paper, there is no bicubic skip. The paper's network takes luma; checkpoints of three
channels take RGB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import (
    conv1x1,
    conv3x3,
    count,
    reach_in_small_pixels,
    rename,
    width_of,
)
from napari_sr.layers.deconvolution import Deconvolution
from napari_sr.layers.resize import cubic

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


def mapping(features: int, layers: int, activate_each: bool) -> Iterator[nn.Module]:
    """Yield the 3x3 convolutions of the mapping part with their activations."""
    for layer in range(layers):
        yield conv3x3(features, features)
        if activate_each or layer == layers - 1:
            yield nn.PReLU(features)


class FSRCNN(Network):
    """Feature extraction, shrinking, mapping, expanding, and a transposed convolution.

    Parameters
    ----------
    scale : int
        The stride of the transposed convolution (not stored in checkpoints).
    channels : int
        1 for luma, 3 for RGB.
    features, shrunk, layers : int
        Width outside and inside the mapping part, and its depth: d, s and m of the paper, whose
        network has 56, 12 and 4.
    activate_each : bool
        True: each mapping convolution has its own PReLU (the paper). False: only the last one has.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    full_range = False  # luma

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 1,
        features: int = 56,
        shrunk: int = 12,
        layers: int = 4,
        activate_each: bool = True,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        self.layers = layers
        self.extract = nn.Sequential(
            nn.Conv2d(channels, features, 5, padding=2), nn.PReLU(features)
        )
        self.shrink = nn.Sequential(conv1x1(features, shrunk), nn.PReLU(shrunk))
        self.map = nn.Sequential(*mapping(shrunk, layers, activate_each))
        self.expand = nn.Sequential(conv1x1(shrunk, features), nn.PReLU(features))
        self.enlarge = Deconvolution(
            features, channels, 9, stride=scale, padding=4, output_padding=scale - 1
        )

    def chain(self) -> Chain:
        """Return one local step: the network is purely convolutional."""
        # a 5x5 convolution, several 3x3, then 9x9 on the enlarged grid
        radius = 2 + self.layers + reach_in_small_pixels(4, self.scale)
        return (Step(self._compute, (IMAGE,), (RESULT,), radius, scale=self.scale),)

    def _compute(self, image: Tensor) -> Tensor:
        x = self.extract(image * self.input_range)
        x = self.expand(self.map(self.shrink(x)))
        result: Tensor = self.enlarge(x)
        return result / self.input_range

    @torch.no_grad()
    def start_as_interpolation(self) -> None:
        """Initialise the network as an interpolation: one feature holds the image.

        All other weights get small random values. So training starts from an interpolation instead
        of noise, and only has to learn the detail.
        """
        for name, parameter in self.named_parameters():
            if parameter.ndim == 4:
                fan = parameter[0].numel() if "enlarge" not in name else parameter.shape[0] * 20
                parameter.normal_(std=math.sqrt(2 / fan) * 0.5)
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.fill_(0.1)
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv2d):
                middle = convolution.kernel_size[0] // 2
                convolution.weight[0] = 0
                convolution.weight[0, 0, middle, middle] = 1
        scale = self.scale
        # distance of tap k of 9 from its source pixel, in LR pixels
        place = (torch.arange(9) - 4 - (scale - 1) / 2) / scale
        tent = cubic(place) if scale == 2 else (1 - place.abs()).clamp(min=0)
        self.enlarge.weight *= 0.05
        self.enlarge.weight[0, 0] = tent[:, None] * tent[None, :]


# two public layouts: Sequential parts (yjn870), and named layers (Nhat-Thanh)
_PARTS = ((r"^first_part\.", "extract."), (r"^last_part\.", "enlarge."))
_NAMED = (
    (r"^feature_extract(ion)?\.", "extract.0."),
    (r"^activation_1\.", "extract.1."),
    (r"^shrink\.(weight|bias)$", r"shrink.0.\1"),
    (r"^activation_2\.", "shrink.1."),
    (r"^map_(\d+)\.", lambda match: f"map.{int(match[1]) - 1}."),
    (r"^expand\.(weight|bias)$", r"expand.0.\1"),
    (r"^activation_4\.", "expand.1."),
    (r"^deconv\.", "enlarge."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the two public layouts of keys to this network's keys."""
    if "first_part.0.weight" in state:
        last = count(state, r"mid_part\.(\d+)\.") - 1
        ends = {0: "shrink.0.", 1: "shrink.1.", last - 1: "expand.0.", last: "expand.1."}

        def part(match: re.Match[str]) -> str:
            """Return our name for a layer of the middle part."""
            index = int(match[1])
            return ends.get(index, f"map.{index - 2}.")

        return rename(state, (*_PARTS, (r"^mid_part\.(\d+)\.", part)))
    if "deconv.weight" in state:
        layers = count(state, r"map_(\d+)\.")
        return rename(state, (*_NAMED, (r"^activation_3\.", f"map.{layers}.")))
    return state


def options_of(state: StateDict) -> Options | None:
    """Infer FSRCNN's constructor arguments from a checkpoint; None if it is not an FSRCNN.

    The scale cannot be inferred from it.
    """
    features, channels = width_of(state, "extract.0.weight")
    shrunk, _ = width_of(state, "shrink.0.weight")
    if not (features and shrunk and "enlarge.weight" in state):
        return None
    layers = count(state, r"map\.(\d+)\.bias")
    return {
        "channels": channels,
        "features": features,
        "shrunk": shrunk,
        "layers": layers,
        "activate_each": count(state, r"map\.(\d+)\.") == 2 * layers,
    }


ARCHITECTURE = Architecture(
    network=FSRCNN,
    title="FSRCNN",
    summary="Very small and fast; luma; faithful rather than inventive.",
    paper="https://arxiv.org/abs/1608.00367",
    year=2016,
    forms=(
        Variant("FSRCNN"),
        Variant("FSRCNN-s", options={"features": 32, "shrunk": 5, "layers": 1}),
    ),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 1, "features": 8, "shrunk": 4, "layers": 2},
)
