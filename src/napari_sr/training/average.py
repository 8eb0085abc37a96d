"""A running mean of a network's weights, which is steadier than the last weights.

Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on
Control and Optimization 30(4), 1992; exponential as the field uses it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from napari_sr.graph.network import Network


class EMA:
    """The mean of a network's weights over the last 1 / (1 - decay) steps or so.

    PyTorch's `AveragedModel` starts from the first weights and keeps a tenth of them for two such
    times; this mean is over few steps at first. It asks the device for nothing, either.

    Parameters
    ----------
    network : Network
        Which is copied.
    decay : float
        Between 0 and 1: how much of the mean is kept in a step.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, network: Network, step: int) -> None:
        """Move a little towards the network's weights, after a step that is counted from 0.

        Buffers, such as running moments, are means already: they are copied.
        """
        decay = min(self.decay, (step + 1) / (step + 10))
        kept: list[Tensor] = list(self.network.parameters())
        new: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(kept, new, 1 - decay)
        for mine, other in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(other)
