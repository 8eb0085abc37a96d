"""Feed grey, RGB and RGBA images to networks of luma or of colour.

Letters: N images, H x W pixels, S scale.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.models._chain import IMAGE, RESULT, Step, renamed, run
from napari_sr.models.resize import imresize

if TYPE_CHECKING:
    from napari_sr.models._chain import Chain
    from napari_sr.models._network import Network

_ENTERING = "entering the network"
_LEAVING = "leaving the network"
BICUBIC_RADIUS = 2
"""LR pixels that bicubic enlargement looks around."""

# BT.601 as MATLAB's rgb2ycbcr has it: luma in 16..235, chroma in 16..240 of 255
_TO_YCBCR = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)
_OFFSET = (16.0, 128.0, 128.0)


@lru_cache
def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    forward = torch.tensor(_TO_YCBCR, dtype=torch.float64) / 255
    return forward, torch.linalg.inv(forward), torch.tensor(_OFFSET, dtype=torch.float64) / 255


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """Convert (N, 3, H, W) in 0..1 to BT.601 luma and chroma, (N, 3, H, W)."""
    forward, _, offset = (part.to(rgb) for part in _matrices())
    return torch.einsum("ij,njhw->nihw", forward, rgb) + offset[:, None, None]


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Invert `rgb_to_ycbcr`: (N, 3, H, W) to (N, 3, H, W)."""
    _, inverse, offset = (part.to(ycbcr) for part in _matrices())
    return torch.einsum("ij,njhw->nihw", inverse, ycbcr - offset[:, None, None])


def extra_radius(network: Network, channels: int) -> int:
    """Return what enlarging chroma or alpha looks around, in LR pixels, beside the network."""
    return BICUBIC_RADIUS if channels == 4 or (channels == 3 and network.channels == 1) else 0


def chain_for(network: Network, channels: int) -> Chain:
    """Return the chain that upscales a grey, RGB or RGBA image with a network of luma or of RGB.

    A network of RGB sees grey as three equal channels, and the mean of its result is grey. A
    network of luma sees an RGB image's luma; the chroma is enlarged bicubically. Alpha never
    enters a network: it is enlarged bicubically and kept within 0..1.

    Parameters
    ----------
    network : Network
        Of 1 or 3 channels, in any precision; one without weights computes in float32.
    channels : int
        Of the image: 1, 3 or 4.

    Returns
    -------
    Chain
        From float32 in 0..1 to the same, unclipped but for alpha.

    Raises
    ------
    ValueError
        If the network has neither 1 nor 3 channels.
    """
    if network.channels not in (1, 3):
        raise ValueError(f"a network of 1 or 3 channels is needed, got {network.channels}")
    weight = next(network.parameters(), None)
    precision = torch.float32 if weight is None else weight.dtype
    colours = min(channels, 3)
    start = partial(_start, colours, network.channels, precision)
    inside = renamed(network.chain(), {IMAGE: _ENTERING, RESULT: _LEAVING})
    radius = extra_radius(network, channels)
    finish = partial(_finish, colours, network.channels, network.scale)
    reads = (_LEAVING, IMAGE) if radius else (_LEAVING,)
    end = Step(finish, reads, (RESULT,), radius, scale=network.scale)
    return (Step(start, (IMAGE,), (_ENTERING,)), *inside, end)


def enlarge(network: Network, image: Tensor) -> Tensor:
    """Upscale a whole image, (N, 1, 3 or 4, H, W), by `chain_for`.

    Returns
    -------
    Tensor, (N, 1, 3 or 4, S * H, S * W)
        float32, unclipped but for alpha.

    Raises
    ------
    ValueError
        If the network has neither 1 nor 3 channels, or the image is too small for it.
    """
    chain = chain_for(network, image.shape[1])
    network.check_size(*image.shape[-2:])
    return run(chain, image)


def _start(colours: int, wanted: int, precision: torch.dtype, image: Tensor) -> Tensor:
    """Return what enters the network, (N, wanted, H, W)."""
    if colours > wanted:
        colour = rgb_to_ycbcr(image[:, :3])[:, :1]
    else:
        colour = image[:, :3].expand(-1, wanted, -1, -1)
    return colour.to(precision)


def _finish(
    colours: int, given: int, scale: int, large: Tensor, image: Tensor | None = None
) -> Tensor:
    """Return the result, (N, 1, 3 or 4, S * H, S * W), from what leaves the network."""
    result = large.float()
    if colours < given:
        result = result.mean(dim=1, keepdim=True)
    elif colours > given and image is not None:
        chroma = imresize(rgb_to_ycbcr(image[:, :3])[:, 1:], scale)
        result = ycbcr_to_rgb(torch.cat((result, chroma), dim=1))
    if image is not None and image.shape[1] == 4:
        opacity = imresize(image[:, 3:], scale).clamp(0, 1)
        result = torch.cat((result, opacity), dim=1)
    return result
