"""Layers around a network that adapt grey, RGB and RGBA images to luma and RGB networks.

Symbols: N images, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.graph.chain import IMAGE, NOISE, RESULT, Step, renamed
from napari_sr.graph.run import run
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE, OFFSET, TO_YCBCR
from napari_sr.layers.resize import imresize

if TYPE_CHECKING:
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

_ENTERING = "entering the network"
_LEAVING = "leaving the network"
BICUBIC_RADIUS = 2
"""Radius of bicubic enlargement in LR pixels."""


@lru_cache
def _matrices(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return matrix, inverse and offset on a device, cached: CUDA graphs cannot copy them there."""
    with torch.inference_mode(False):  # training uses these tensors, too
        forward = torch.tensor(TO_YCBCR, dtype=torch.float64) / 255
        offset = torch.tensor(OFFSET, dtype=torch.float64) / 255
        parts = forward, torch.linalg.inv(forward), offset[:, None, None]
        matrix, inverse, column = (part.to(device, dtype) for part in parts)
    return matrix, inverse, column


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """Convert (N, 3, H, W) in 0..1 to BT.601 luma and chroma, (N, 3, H, W)."""
    forward, _, offset = _matrices(rgb.device, rgb.dtype)
    return torch.einsum("ij,njhw->nihw", forward, rgb) + offset


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Invert `rgb_to_ycbcr`: (N, 3, H, W) to (N, 3, H, W)."""
    _, inverse, offset = _matrices(ycbcr.device, ycbcr.dtype)
    return torch.einsum("ij,njhw->nihw", inverse, ycbcr - offset)


def grey_to_luma(grey: Tensor) -> Tensor:
    """Convert grey in 0..1 to the luma of RGB with three equal channels: 16..235 of 255."""
    return grey * (LUMA_OF_WHITE - LUMA_OF_BLACK) + LUMA_OF_BLACK


def luma_to_grey(luma: Tensor) -> Tensor:
    """Invert `grey_to_luma`."""
    return (luma - LUMA_OF_BLACK) / (LUMA_OF_WHITE - LUMA_OF_BLACK)


def extra_radius(network: Network, channels: int) -> int:
    """Return the radius of the enlargement of chroma and alpha in LR pixels; 0 without them."""
    return BICUBIC_RADIUS if channels == 4 or (channels == 3 and network.channels == 1) else 0


def chain_for(network: Network, channels: int) -> Chain:
    """Return the chain that upscales a grey, RGB or RGBA image with a luma or an RGB network.

    An RGB network gets grey as three equal channels; the mean of its result's channels is the grey
    result. A luma network gets an RGB image's luma; the chroma is enlarged bicubically. Grey is
    converted to luma first, because luma networks never saw true black in training: the shipped
    FSRCNN returns 0.06 for a black of 0. A network with `full_range` gets grey unchanged, and luma
    stretched to 0..1. Alpha never enters a network: it is enlarged bicubically and clipped to 0..1.

    Parameters
    ----------
    network : Network
        Network of 1 or 3 channels, in any precision. Without weights, it computes in float32.
    channels : int
        The image's channels: 1, 3 or 4.

    Returns
    -------
    Chain
        Chain from float32 in 0..1 to float32; only alpha is clipped. It uses the values of
        `values_for`.

    Raises
    ------
    ValueError
        If the network has neither 1 nor 3 channels.
    """
    if network.channels not in (1, 3):
        raise ValueError(f"images need a network of 1 or 3 channels, got {network.channels}")
    weight = next(network.parameters(), None)
    precision = torch.float32 if weight is None else weight.dtype
    colours = min(channels, 3)
    conversion = _Conversion(
        colours, network.channels, luma=network.channels == 1 and not network.full_range
    )
    start = partial(_start, conversion, precision)
    inside = renamed(network.chain(), {IMAGE: _ENTERING, RESULT: _LEAVING})
    radius = extra_radius(network, channels)
    uses = (NOISE,) if network.takes_noise else ()
    finish = partial(_finish, conversion, network.scale)
    reads = (_LEAVING, IMAGE) if radius else (_LEAVING,)
    end = Step(finish, reads, (RESULT,), radius, scale=network.scale)
    return (Step(start, (IMAGE,), (_ENTERING,), uses=uses), *inside, end)


def values_for(network: Network, noise: float, device: torch.device | str) -> dict[str, Tensor]:
    """Return the values that `chain_for` uses but does not gather.

    Parameters
    ----------
    network : Network
        The network.
    noise : float
        Standard deviation of the image's noise, where white is 1. Ignored if the network does not
        take it.
    device : torch.device or str
        Device of the chain.
    """
    return {NOISE: torch.full((1, 1, 1, 1), noise, device=device)} if network.takes_noise else {}


def enlarge(network: Network, image: Tensor, noise: float = 0.0) -> Tensor:
    """Upscale a whole image, (N, 1, 3 or 4, H, W), by `chain_for`; `noise` as in `values_for`.

    Returns
    -------
    Tensor, (N, 1, 3 or 4, S * H, S * W)
        float32; only alpha is clipped.

    Raises
    ------
    ValueError
        If the network has neither 1 nor 3 channels, or the image is too small for it.
    """
    chain = chain_for(network, image.shape[1])
    network.check_size(*image.shape[-2:])
    return run(chain, image, values_for(network, noise, image.device))


@dataclass(frozen=True)
class _Conversion:
    """The conversion between an image's channels and a network's."""

    colours: int
    """The image's channels, 1 or 3, without alpha."""
    channels: int
    """The network's channels."""
    luma: bool
    """Whether the network's one channel is luma; else it is grey."""


def _start(
    conversion: _Conversion, precision: torch.dtype, image: Tensor, noise: Tensor | None = None
) -> Tensor:
    """Return the network's input, (N, `channels`, H, W), from the image.

    With a level of noise, (1, 1, 1, 1), the input has one plane more, which contains it.
    """
    colour = image[:, :3]
    if conversion.colours > conversion.channels:
        colour = rgb_to_ycbcr(colour)[:, :1]
        colour = colour if conversion.luma else luma_to_grey(colour)
    else:
        colour = grey_to_luma(colour) if conversion.luma else colour
        colour = colour.expand(-1, conversion.channels, -1, -1)
    if noise is not None:
        plane = noise.expand(len(colour), -1, *colour.shape[2:])
        colour = torch.cat((colour, plane), dim=1)
    return colour.to(precision)


def _finish(
    conversion: _Conversion, scale: int, large: Tensor, image: Tensor | None = None
) -> Tensor:
    """Return the result, (N, 1, 3 or 4, S * H, S * W), from the network's output."""
    result = large.float()
    if conversion.colours < conversion.channels:
        result = result.mean(dim=1, keepdim=True)
    elif conversion.colours > conversion.channels and image is not None:
        luma = result if conversion.luma else grey_to_luma(result)
        chroma = imresize(rgb_to_ycbcr(image[:, :3])[:, 1:], scale)
        result = ycbcr_to_rgb(torch.cat((luma, chroma), dim=1))
    elif conversion.luma:
        result = luma_to_grey(result)
    if image is not None and image.shape[1] == 4:
        opacity = imresize(image[:, 3:], scale).clamp(0, 1)
        result = torch.cat((result, opacity), dim=1)
    return result
