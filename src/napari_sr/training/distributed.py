"""Processes that train together, as torch's own launcher starts them (`torchrun`).

Every process draws crops of its own and computes its gradients; their mean moves the weights of
all alike. The mean is taken here rather than by DistributedDataParallel, because that cannot
differentiate twice, as the gradient penalty does, nor call other methods than `forward`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed, nn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class Place:
    """Where a process is among those that train together."""

    rank: int = 0
    """From 0, which alone writes files and judges."""
    world: int = 1
    """How many there are."""
    local: int = 0
    """Its number on this machine, which is that of its GPU."""

    @property
    def first(self) -> bool:
        """Whether it writes files."""
        return self.rank == 0


@contextmanager
def together() -> Iterator[Place]:
    """Join the processes that `torchrun` started, while inside; without it there is one."""
    place = Place(*(int(os.environ.get(key, default)) for key, default in
                    (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))))  # fmt: skip
    if place.world == 1:
        yield place
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local)
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield place
    finally:
        distributed.destroy_process_group()


def _alone() -> bool:
    return not (distributed.is_available() and distributed.is_initialized())


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace all gradients by their mean over the processes."""
    if _alone():
        return
    gradients = [one.grad for one in parameters if one.grad is not None]
    flat = torch.cat([one.flatten() for one in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    means = torch.split(flat, [one.numel() for one in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))


def same_everywhere(module: nn.Module) -> None:
    """Give every process the first one's weights and buffers."""
    if _alone():
        return
    tensors: Iterable[Tensor] = (*module.parameters(), *module.buffers())
    for tensor in tensors:
        distributed.broadcast(tensor.data, 0)


def anywhere(flag: bool, device: torch.device) -> bool:
    """Say whether a flag is set in any of the processes, all of which ask at the same time."""
    if _alone():
        return flag
    seen = torch.tensor(float(flag), device=device)
    distributed.all_reduce(seen)
    return bool(seen.item() > 0)
