"""Images with which exported files are compared with their networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from napari_sr.graph.network import Network

SPOT = 5
"""Distance of the spots of a test image, in pixels."""


def image_for(network: Network, images: int, height: int, width: int) -> Tensor:
    """Return images of smooth spots, at least of the given size, that the network accepts.

    Noise is unsuitable: BSRN's x2 weights amplify it to a thousand times the range from black to
    white, and rounding errors as much.
    """
    step = network.multiple
    height, width = (-(-max(side, network.least_size) // step) * step for side in (height, width))
    generator = torch.Generator().manual_seed(0)
    coarse = (side // SPOT + 2 for side in (height, width))
    spots = torch.rand(images, network.inputs, *coarse, generator=generator)
    return interpolate(spots, (height, width), mode="bilinear", align_corners=True)


def probes(network: Network) -> Iterable[Tensor]:
    """Yield images of sizes other than the traced one: smallest, odd, and larger."""
    yield image_for(network, 1, 1, 1)
    yield image_for(network, 3, 7, 11)
    yield image_for(network, 1, 37, 26)
