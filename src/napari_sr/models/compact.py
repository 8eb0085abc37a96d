"""Compact: SRVGGNetCompact, the small network of Real-ESRGAN.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data",
ICCV Workshops 2021, https://arxiv.org/abs/2107.10833

Symbols: N images, C image channels, H x W pixels, S scale.
The network is not in the paper, but in its repository, since 2021. It has the form of VGG: 3x3
convolutions with activations, all on the LR image, then a pixel shuffle. The image, enlarged by
repeating its pixels, is added.
"""

from __future__ import annotations

import re
from itertools import pairwise
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import Activated3x3, SubPixel3x3, scale_of_shuffle, width_of


class Compact(Network):
    """3x3 convolutions with activations, and a pixel shuffle; the result is added to the image.

    Parameters
    ----------
    scale, channels : int
        Enlargement, and image channels: 3 for RGB.
    features, convolutions : int
        Width, and number of convolutions between the first and the last: 64 and 32 in Real-ESRGAN's
        general network, 64 and 16 in its network for video.
    parametric : bool
        Whether PReLUs follow the convolutions, as in all published networks.
    slope : float
        If there are no PReLUs, the factor of negative values: 0 for ReLU, 0.1 for the leaky ReLU.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        convolutions: int = 16,
        parametric: bool = True,
        slope: float = 0.0,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        widths = [channels, *[features] * (convolutions + 1)]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            if parametric:
                layers += Activated3x3(inputs, outputs), nn.PReLU(outputs)
            else:
                leaky = nn.LeakyReLU(slope) if slope else nn.ReLU()
                layers += Activated3x3(inputs, outputs, activation=leaky), nn.Identity()
        # numbered as in checkpoints, whose keys count the activations
        self.body = nn.Sequential(*layers, SubPixel3x3(features, channels, scale=scale))

    def chain(self) -> Chain:
        """Return local steps, one for each convolution: the network is purely convolutional."""
        inner = (self.body[first : first + 2] for first in range(2, len(self.body) - 1, 2))
        convolutions, x = in_series(inner, 1, "shallow")
        start = Step(self._start, (IMAGE,), ("shallow",), 1)
        end = Step(self._finish, (x, IMAGE), (RESULT,), 1, scale=self.scale)
        return (start, *convolutions, end)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.body[:2](self.in_input_range(image))
        return shallow

    def _finish(self, x: Tensor, image: Tensor) -> Tensor:
        factor = float(self.scale)
        large = image if factor == 1 else functional.interpolate(image, scale_factor=factor)
        residual: Tensor = self.body[-1](x, factor=1 / self.input_range)
        return residual + large


def options_of(state: StateDict) -> Options | None:
    """Infer Compact's constructor arguments from a checkpoint; None if it is not one."""
    features, channels = width_of(state, "body.0.weight")
    numbers = [int(match[1]) for key in state if (match := _LAYER.match(key))]
    last = max(numbers, default=0)
    outputs, _ = width_of(state, f"body.{last}.weight")
    scale = scale_of_shuffle(outputs, channels)
    if not features or scale is None or last < 2 or last % 2:
        return None
    parametric = "body.1.weight" in state
    return {
        "scale": scale,
        "channels": channels,
        "features": features,
        "convolutions": last // 2 - 1,
        "parametric": parametric,
        # without PReLUs, tensors do not show the slope
        **({"slope": 0.0} if parametric else {}),
    }


_LAYER = re.compile(r"body\.(\d{1,4})\.weight$")

ARCHITECTURE = Architecture(
    network=Compact,
    title="Compact (Real-ESRGAN)",
    summary="Small and fast; the network of many community models, which may invent detail.",
    paper="https://arxiv.org/abs/2107.10833",
    year=2021,
    forms=(
        Variant("realesr-general-x4v3", (4,), {"convolutions": 32}),
        Variant("realesr-animevideov3", (4,)),
        Variant("UltraCompact", (1, 2, 4), {"convolutions": 8}),
        Variant("SuperUltraCompact", (1, 2, 4), {"features": 24, "convolutions": 8}),
    ),
    options_of=options_of,
    unseen=MappingProxyType(
        {
            "slope": "Its tensors show no PReLU, so ReLU is assumed: give slope=0.1 if it was "
            "trained with leaky ReLU."
        }
    ),
    example={"scale": 2, "channels": 3, "features": 8, "convolutions": 2},
)
