"""Training in several processes, which PyTorch's launcher `torchrun` starts.

Every process draws different crops and computes a gradient; all apply the mean gradient. This
module computes the mean. PyTorch's DistributedDataParallel does not fit: it supports no second
derivatives, which the gradient penalty needs, and no methods other than `forward`.
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
    """The rank of one process among the processes that train together."""

    rank: int = 0
    """Index of the process, from 0; only process 0 validates and writes files."""
    world: int = 1
    """The number of processes."""
    local: int = 0
    """Index of the process on this machine, and of the GPU that it uses."""

    @property
    def first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0


@contextmanager
def together() -> Iterator[Place]:
    """Context manager: join the processes that `torchrun` started, or run as a single process."""
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
    """Copy the weights and buffers of the first process to all others."""
    if _alone():
        return
    tensors: Iterable[Tensor] = (*module.parameters(), *module.buffers())
    for tensor in tensors:
        distributed.broadcast(tensor.data, 0)


def anywhere(flag: bool, device: torch.device) -> bool:
    """Return whether a flag is set in any process; all must call this function at the same step."""
    if _alone():
        return flag
    seen = torch.tensor(float(flag), device=device)
    distributed.all_reduce(seen)
    return bool(seen.item() > 0)
