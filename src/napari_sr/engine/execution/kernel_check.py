"""Check the kernels of a network on the user's own GPU, before its first tile.

`sr_kernels` checks every compiled kernel at its first launch. Two small images launch all kernels
of a network: one has sides that are multiples of 16, for which Triton compiles separate binaries;
the other has odd sides. So every kernel is compiled and checked before the run, not during it.

Symbols: C channels, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_sr.graph.run import run
from napari_sr.layers.colour import values_for
from sr_kernels import distrusted, use_kernels

if TYPE_CHECKING:
    from torch import Tensor

    from napari_sr.engine.execution.context import RunContext
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

SIZES = ((64, 96), (61, 87))
"""Height and width of the two images: larger than one block of every kernel except the widest."""
NOISE_CHECKED = 0.05
"""Level of the noise of the two images, for networks that take it."""


def check_kernels(
    chain: Chain, network: Network, channels: int, device: torch.device
) -> dict[str, str]:
    """Run a network's kernels on two small images, and return the wrong kernels.

    Parameters
    ----------
    chain : Chain
        Chain of the network on the device, as `colour.chain_for` returns it.
    network : Network
        The network. If the images are smaller than it accepts, the first tile checks its kernels.
    channels : int
        Channels of the image: 1, 3 or 4.
    device : torch.device
        Device of the chain.

    Returns
    -------
    dict of str to str
        Names of the wrong kernels, each with the reason; empty if all are right.
    """
    for height, width in SIZES:
        height, width = (size - size % network.multiple for size in (height, width))
        if min(height, width) >= network.least_size:
            with torch.inference_mode(), use_kernels("auto"):
                image = waves(channels, height, width).to(device)
                run(chain, image, values_for(network, NOISE_CHECKED, device))
    return distrusted(device)


def wrong_kernels(run_context: RunContext, plan: Plan) -> dict[str, str]:
    """Return the kernels that cannot be used on the GPU of a run, each with the reason."""
    if (
        run_context.kernels != "auto"
        or plan.device.type != "cuda"
        or plan.precision == torch.float32
    ):
        return {}
    chain = run_context.chain(plan, plan.precision)
    return check_kernels(chain, run_context.network, run_context.layout.channels, plan.device)


def in_words(reasons: dict[str, str], device: torch.device) -> str:
    """Return a sentence for the user about kernels that cannot be used; "" if there are none."""
    if not reasons:
        return ""
    one = next(iter(reasons.values()))
    return (
        f"the kernels {', '.join(reasons)} cannot be used on {device}; PyTorch computes these "
        f"steps instead, slower but with the same result ({one})"
    )


def waves(channels: int, height: int, width: int) -> Tensor:
    """Return a smooth image, (1, C, H, W) in 0..1.

    The image has no noise, because networks amplify noise beyond the range of half precision.
    """
    rows = torch.linspace(0, 9, height)[:, None]
    columns = torch.linspace(0, 14, width)[None, :]
    phases = torch.arange(channels)[:, None, None]
    plane = torch.sin(rows + phases) * torch.cos(columns - phases)
    return (0.5 + 0.4 * plane)[None]
