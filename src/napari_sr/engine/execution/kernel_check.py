"""Check the kernels of a network on the user's own GPU, before its first tile.

`sr_kernels` checks every binary at its first launch. Two small images take all of a network's
kernels there at once: one whose sides are multiples of 16, for which Triton compiles apart, and
one of odd sides. So a kernel is compiled and judged before the run, not in the midst of it.

Letters: C channels, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.graph.run import run
from sr_kernels import distrusted, use_kernels

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

SIZES = ((64, 96), (61, 87))
"""Height and width of the two images: more columns than a block of any kernel but the widest."""


def check_kernels(
    chain: Chain, network: Network, channels: int, device: torch.device
) -> dict[str, str]:
    """Run a network's kernels on two small images, and return those that cannot be trusted.

    Parameters
    ----------
    chain : Chain
        Of the network on the device, as `colour.chain_for` returns it.
    network : Network
        Whose sizes the images must suit; one that takes no small image is checked by its tiles.
    channels : int
        Of the image: 1, 3 or 4.
    device : torch.device
        Where the chain is.

    Returns
    -------
    dict of str to str
        The names of ops, each with the reason; empty where all kernels are right.
    """
    for height, width in SIZES:
        height, width = (size - size % network.multiple for size in (height, width))
        if min(height, width) >= network.least_size:
            with torch.inference_mode(), use_kernels("auto"):
                run(chain, waves(channels, height, width).to(device))
    return distrusted(device)


def in_words(reasons: dict[str, str], device: torch.device) -> str:
    """Return what to tell of kernels that are not used, "" where there are none."""
    if not reasons:
        return ""
    one = next(iter(reasons.values()))
    return (
        f"the kernels {', '.join(reasons)} cannot be used on {device}, so PyTorch computes these "
        f"steps: slower, with the same result ({one})"
    )


def waves(channels: int, height: int, width: int) -> Tensor:
    """Return a smooth image, (1, C, H, W) in 0..1: networks amplify noise beyond half precision."""
    rows = torch.linspace(0, 9, height)[:, None]
    columns = torch.linspace(0, 14, width)[None, :]
    phases = torch.arange(channels)[:, None, None]
    plane = torch.sin(rows + phases) * torch.cos(columns - phases)
    return (0.5 + 0.4 * plane)[None]
