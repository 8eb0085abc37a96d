"""Upscale a held-out image as users will: with reflected pixels beyond its border.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.border import border_width
from napari_sr.engine.planning.settings import Settings
from napari_sr.training.calibration import extended

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.network import Network


@torch.no_grad()
def upscaled(network: Network, source: Tensor) -> Tensor:
    """Upscale an image as `napari_sr.upscale` does: extended by reflected pixels.

    Parameters
    ----------
    network : Network
        In eval mode.
    source : Tensor, (C, H, W)
        The image; for a network that takes the level of the noise, with one plane more.

    Returns
    -------
    Tensor, (C, S * H, S * W)
        float32, on the CPU.
    """
    width = border_width(network, Settings())
    device = next(network.parameters()).device
    result: Tensor = network(extended(source, width)[None].to(device))[0].float().cpu()
    cut = width * network.scale
    return result[..., cut : result.shape[-2] - cut, cut : result.shape[-1] - cut]
