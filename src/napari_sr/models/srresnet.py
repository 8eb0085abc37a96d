"""SRResNet, in the variant of BasicSR and the ESRGAN authors (MSRResNet).

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, https://arxiv.org/abs/1609.04802

Symbols: N images, C image channels, H x W pixels, S scale.
The public weights differ from the paper: no batch normalisation, leaky ReLUs instead of PReLUs, 3x3
instead of 9x9 convolutions, no skip around all blocks, and the bilinearly enlarged image is added
to the result.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_sr.graph.chain import IMAGE, RESULT, Chain, Step, in_series
from napari_sr.graph.network import Architecture, Network, Options, StateDict, Variant
from napari_sr.layers.blocks import Activated3x3, ResidualBlock, options_of_blocks, rename
from napari_sr.layers.enlarger import enlarger, reach_of_enlarger, scale_of_enlarger


def bilinear_shares(scale: int) -> Tensor:
    """Return the weights of 3 x 3 neighbours for each of the S * S result pixels, (S * S, 9)."""
    place = (torch.arange(scale, dtype=torch.float32) + 0.5) / scale - 0.5
    # along one axis: the pixel before, the pixel itself and the pixel after
    phase = torch.stack([(-place).clamp(min=0), 1 - place.abs(), place.clamp(min=0)], dim=1)
    return (phase[:, None, :, None] * phase[None, :, None, :]).reshape(-1, 9)


def enlarge_bilinear(image: Tensor, shares: Tensor, scale: int) -> Tensor:
    """Enlarge (N, C, H, W) bilinearly, pixel centres aligned, to (N, C, S * H, S * W).

    The result equals `interpolate(..., mode="bilinear")`. PyTorch's function computes coordinates
    in float32, which lose digits far from the origin, so a piece would differ from the whole. Here,
    no coordinates are used.

    Parameters
    ----------
    image : Tensor, (N, C, H, W)
        The image, with any number of channels.
    shares : Tensor, (S * S, 9)
        The result of `bilinear_shares`.
    scale : int
        S.
    """
    images, channels = image.shape[:2]
    # every channel as a separate image
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate").flatten(0, 1)[:, None]
    phases = functional.conv2d(padded, shares.to(image.dtype).reshape(-1, 1, 3, 3))
    enlarged = functional.pixel_shuffle(phases, scale)
    return enlarged.reshape(images, channels, *enlarged.shape[2:])


class SRResNet(Network):
    """Residual blocks, then sub-pixel upsampling, on top of the bilinearly enlarged image.

    Parameters
    ----------
    scale, channels : int
        Enlargement, 3 or a power of 2, and image channels: 3 for RGB.
    features, blocks : int
        Width and depth; the paper has 64 and 16.
    slope : float
        Slope, for negative values, of the leaky ReLUs outside the blocks.
    input_range : float
        The value of white that the weights expect: 1, or for instance 255.
    """

    shares: Tensor

    def __init__(
        self,
        *,
        scale: int,
        channels: int = 3,
        features: int = 64,
        blocks: int = 16,
        slope: float = 0.1,
        input_range: float = 1.0,
    ) -> None:
        super().__init__(scale=scale, channels=channels, input_range=input_range)
        activation = nn.LeakyReLU(slope)
        self.head = Activated3x3(channels, features, activation=activation)
        self.blocks = nn.Sequential(*(ResidualBlock(features=features) for _ in range(blocks)))
        self.enlarge = enlarger(features, scale, activation)
        self.smooth = Activated3x3(features, features, activation=activation)
        self.tail = Activated3x3(features, channels)
        # computed once, because it takes ten kernels on a GPU
        self.register_buffer("shares", bilinear_shares(scale), persistent=False)

    def chain(self) -> Chain:
        """Return local steps, one for each block: the network is purely convolutional."""
        blocks, x = in_series(self.blocks, ResidualBlock.RADIUS, "shallow")
        # two 3x3 convolutions on the enlarged grid; the bilinear skip has a smaller radius
        radius = reach_of_enlarger(self.scale, 2)
        end = Step(self._finish, (x, IMAGE), (RESULT,), radius, scale=self.scale)
        return (Step(self._start, (IMAGE,), ("shallow",), 1), *blocks, end)

    def _start(self, image: Tensor) -> Tensor:
        shallow: Tensor = self.head(self.in_input_range(image))
        return shallow

    def _finish(self, deep: Tensor, image: Tensor) -> Tensor:
        x = self.smooth(self.enlarge(deep))
        skip = enlarge_bilinear(image, self.shares, self.scale)
        result: Tensor = self.tail(x, skip, 1 / self.input_range)
        return result


def _stage(name: str, index: int) -> tuple[str, str]:
    # convolution, shuffle, activation: every third layer has weights
    return rf"^{name}\.", f"enlarge.{3 * index}."


# BasicSR's names, and those of its forerunner MMSR
_KEYS = (
    (r"^conv_first\.", "head."),
    (r"^(?:body|recon_trunk)\.(\d+)\.conv1\.", r"blocks.\1.branch.0."),
    (r"^(?:body|recon_trunk)\.(\d+)\.conv2\.", r"blocks.\1.branch.2."),
    _stage("upconv1", 0),
    _stage("upconv2", 1),
    (r"^(?:conv_hr|HRconv)\.", "smooth."),
    (r"^conv_last\.", "tail."),
)


def adapt(state: StateDict) -> StateDict:
    """Rename the two public layouts of keys to this network's keys."""
    return rename(state, _KEYS) if "upconv1.weight" in state else state


def options_of(state: StateDict) -> Options | None:
    """Infer SRResNet's constructor arguments from a checkpoint; None if it is not one."""
    scale = scale_of_enlarger(state, "enlarge.")
    return options_of_blocks(state, scale) if "smooth.weight" in state else None


ARCHITECTURE = Architecture(
    network=SRResNet,
    title="SRResNet",
    summary="SRGAN's generator in BasicSR's variant.",
    paper="https://arxiv.org/abs/1609.04802",
    year=2017,
    forms=(Variant("MSRResNet"),),
    options_of=options_of,
    adapt=adapt,
    example={"scale": 2, "channels": 3, "features": 8, "blocks": 2},
)
