"""PSNR of a network on pairs that it never learnt from.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_sr.evaluation._psnr import psnr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.models._network import Network


@torch.no_grad()
def judge(network: Network, pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Return the mean PSNR in dB, as papers report it: of luma, S pixels of border left out.

    Parameters
    ----------
    network : Network
        In any mode, which it is left in.
    pairs : sequence of (C, H, W) and (C, S * H, S * W)
        In 0..1; at least one.
    """
    trains, device = network.training, next(network.parameters()).device
    network.eval()
    try:
        found = [
            psnr(_pixels(network(small[None].to(device))[0].float().clamp(0, 1)), _pixels(large),
                 border=network.scale)
            for small, large in pairs
        ]  # fmt: skip
    finally:
        network.train(trains)
    return sum(found) / len(found)


def _pixels(image: Tensor) -> NDArray[Any]:
    """Return (C, H, W) as an array (H, W) or (H, W, 3)."""
    pixels = image.permute(1, 2, 0) if image.shape[0] == 3 else image[0]
    array: NDArray[Any] = pixels.cpu().numpy()
    return array
