"""Networks that distinguish photographs from upscaled images, for adversarial training only.

SRGAN: Ledig et al., CVPR 2017, https://arxiv.org/abs/1609.04802. Section 2.1: eight 3x3
convolutions with 64 to 512 outputs, leaky rectifiers of slope 0.2, two dense layers and a sigmoid.
Figure 4, as implemented in Lornatang/SRGAN-PyTorch, model.py: strides alternate between 1 and 2,
batch normalisation follows all convolutions but the first, the first dense layer has 1024 outputs.
ESRGAN: Wang et al., ECCV Workshops 2018, https://arxiv.org/abs/1809.00219. The layers are those of
its code (XPixelGroup/BasicSR, discriminator_arch.py); the paper does not describe them.
WGAN: Arjovsky et al., ICML 2017, https://arxiv.org/abs/1701.07875. The paper's critics are not for
upscaled images, so we use SRGAN's pyramid.

Each network is a pyramid of convolutions with leaky rectifiers, followed by two dense layers.

Symbols: N images, C image channels, P pixels along the sides of an image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOPE = 0.2
"""Slope of the leaky rectifiers, in SRGAN's paper and ESRGAN's code."""


@dataclass(frozen=True)
class Layer:
    """One convolution of a pyramid."""

    width: int
    """Number of outputs, as a multiple of the first convolution's."""
    kernel: int
    """Kernel size."""
    stride: int
    """Factor by which the layer divides the image's height and width."""


SRGAN = tuple(Layer(width, 3, stride) for width in (1, 2, 4, 8) for stride in (1, 2))
"""The pyramid of SRGAN's paper; it reduces height and width to 1/16."""
ESRGAN = tuple(Layer(width, 2 + stride, stride) for width in (1, 2, 4, 8, 8) for stride in (1, 2))
"""The pyramid of ESRGAN's code; it reduces height and width to 1/32, by 4x4 convolutions."""


class Discriminator(nn.Module):
    """A pyramid of convolutions and two dense layers: (N, C, P, P) in 0..1 to (N, 1).

    Parameters
    ----------
    layers : sequence of Layer
        The pyramid.
    size : int
        Pixels P along each side; the dense layers need a fixed size.
    channels, features, hidden : int
        Image channels C, and outputs of the first convolution and of the first dense layer.
    normalised : bool
        Whether batch normalisation follows all convolutions except the first.
    bias : bool
        Whether convolutions before a normalisation have a bias, which the normalisation cancels.
    sigmoid : bool
        Whether the result is a probability in 0..1 or a logit.

    Raises
    ------
    ValueError
        If the pyramid's strides don't divide the size.
    """

    def __init__(
        self,
        *,
        layers: Sequence[Layer],
        size: int,
        hidden: int,
        channels: int = 3,
        features: int = 64,
        normalised: bool = True,
        bias: bool = True,
        sigmoid: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.pyramid = nn.Sequential()
        side, inputs = size, channels
        for index, layer in enumerate(layers):
            if side % layer.stride or size < 1:
                least = math.prod(one.stride for one in layers)
                raise ValueError(
                    f"size must be a multiple of {least} for this discriminator, got size={size}"
                )
            outputs, follows = layer.width * features, normalised and index > 0
            convolution = nn.Conv2d(
                inputs, outputs, layer.kernel, layer.stride, 1, bias=bias or not follows
            )
            norm = nn.BatchNorm2d(outputs) if follows else nn.Identity()
            self.pyramid.append(nn.Sequential(convolution, norm, nn.LeakyReLU(SLOPE)))
            side, inputs = side // layer.stride, outputs
        self.judge = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs * side**2, hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, 1),
            nn.Sigmoid() if sigmoid else nn.Identity(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Score images, (N, C, P, P); return (N, 1), where photographs score high.

        Raises
        ------
        ValueError
            If the images have another size, or other channels.
        """
        if images.ndim != 4 or images.shape[1:] != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise ValueError(f"Discriminator needs images (N, {wanted}), got {tuple(images.shape)}")
        judged: Tensor = self.judge(self.pyramid(images))
        return judged


def srgan(
    *, size: int = 96, channels: int = 3, features: int = 64, sigmoid: bool = True
) -> Discriminator:
    """Return SRGAN's discriminator; set `sigmoid` to False for losses that take logits.

    Parameters
    ----------
    size, channels, features, sigmoid
        As in `Discriminator`; the paper trains on 96 x 96 pixels with 64 features.
    """
    return Discriminator(
        layers=SRGAN, size=size, hidden=1024, channels=channels, features=features, sigmoid=sigmoid
    )


def esrgan(*, size: int = 128, channels: int = 3, features: int = 64) -> Discriminator:
    """Return ESRGAN's discriminator. It has no sigmoid, because the loss compares scores.

    Parameters
    ----------
    size, channels, features
        As in `Discriminator`; the authors' code trains on 128 x 128 pixels with 64 features.
    """
    return Discriminator(
        layers=ESRGAN, size=size, hidden=100, channels=channels, features=features, bias=False
    )


def wgan(*, size: int = 96, channels: int = 3, features: int = 64) -> Discriminator:
    """Return a Wasserstein critic: SRGAN's pyramid with an unbounded score.

    It has no batch normalisation, which mixes the images of a batch. The gradient penalty of
    Gulrajani et al., NeurIPS 2017, https://arxiv.org/abs/1704.00028, needs a separate gradient for
    each image. Where their critics are normalised, they use layer normalisation (gan_64x64.py).

    Parameters
    ----------
    size, channels, features
        As in `Discriminator`.
    """
    return Discriminator(
        layers=SRGAN, size=size, hidden=1024, channels=channels, features=features, normalised=False
    )
