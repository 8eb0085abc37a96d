"""RLFN, a network that this package does not contain: benchmarks time it for comparison.

Kong et al., "Residual Local Feature Network for Efficient Super-Resolution", CVPR Workshops 2022,
https://arxiv.org/abs/2205.07514. This is the network of the NTIRE 2022 challenge: 46 features, 48
inside a block, 16 in ESA; 317 thousand parameters at x4. Weights are random, because the network is
only timed.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class SpatialAttention(nn.Module):
    """A gate for every pixel of (N, C, H, W), with one 3x3 on the pooled plane (RFDN has three)."""

    def __init__(self, features: int, inner: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(features, inner, 1)
        self.skip = nn.Conv2d(inner, inner, 1)
        self.stride = nn.Conv2d(inner, inner, 3, stride=2)
        self.low = conv3x3(inner, inner)
        self.excite = nn.Conv2d(inner, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated features."""
        squeezed = self.squeeze(x)
        low = self.low(functional.max_pool2d(self.stride(squeezed), 7, stride=3))
        enlarged = functional.interpolate(low, x.shape[2:], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.excite(enlarged + self.skip(squeezed)))


class Block(nn.Module):
    """Three 3x3 convolutions with a skip, a 1x1, and attention, on (N, C, H, W)."""

    def __init__(self, features: int, middle: int, inner: int) -> None:
        super().__init__()
        activation = nn.LeakyReLU(0.05, inplace=True)
        self.refine = nn.Sequential(
            conv3x3(features, middle), activation,
            conv3x3(middle, middle), activation,
            conv3x3(middle, features), activation,
        )  # fmt: skip
        self.mix = nn.Conv2d(features, features, 1)
        self.attention = SpatialAttention(features, inner)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features."""
        result: Tensor = self.attention(self.mix(self.refine(x) + x))
        return result


class RLFN(nn.Module):
    """The network, from (N, 3, H, W) to (N, 3, 4 * H, 4 * W)."""

    def __init__(self, features: int = 46, middle: int = 48, blocks: int = 4) -> None:
        super().__init__()
        self.head = conv3x3(3, features)
        self.blocks = nn.Sequential(*(Block(features, middle, 16) for _ in range(blocks)))
        self.merge = conv3x3(features, features)
        self.tail = nn.Sequential(conv3x3(features, 48), nn.PixelShuffle(4))

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        shallow = self.head(image)
        result: Tensor = self.tail(self.merge(self.blocks(shallow)) + shallow)
        return result
