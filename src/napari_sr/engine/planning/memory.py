"""How much memory a network needs for a tile, found without computing a pixel.

Letters: H x W pixels.
"""

from __future__ import annotations

import copy
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_sr.layers.colour import enlarge
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from napari_sr.graph.network import Network

WORKSPACE = 1.7
"""Peak over the tensors alone: convolution libraries reorder and unfold their inputs. Measured
on the CPU (see benchmarks/memory/forecast.py)."""


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Follows how many bytes of tensors are alive, the most that ever were, and the largest."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.alive = 0
        self.peak = 0
        self.largest = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.largest = max(self.largest, leaf.numel())
                self._follow(leaf.untyped_storage())
        return result

    def _follow(self, storage: Any) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.alive -= size


@dataclass(frozen=True)
class Footprint:
    """What one tile takes on the device, weights left out."""

    peak: int
    """The most bytes of tensors that are alive at a time."""
    largest: int
    """Elements of the largest tensor."""


def peak_bytes(network: Network, channels: int, height: int, width: int) -> int:
    """Return the most bytes of tensors alive while one tile is upscaled; see `footprint`."""
    return footprint(network, channels, height, width).peak


def footprint(network: Network, channels: int, height: int, width: int) -> Footprint:
    """Return what upscaling one tile takes.

    Parameters
    ----------
    network : Network
        In the precision it will run in, on any device.
    channels, height, width : int
        Of the tile: (1, channels, H, W).
    """
    hollow = meta_copy(network)
    tracer = _Tracer()
    with torch.inference_mode(), use_kernels("reference"), tracer:
        image = torch.empty(1, channels, height, width, device="meta")
        enlarge(hollow, image)
    return Footprint(tracer.peak, tracer.largest)


def learning_bytes(network: Network, height: int, width: int) -> int:
    """Return the most bytes of tensors alive while a network learns from one image.

    What the gradient needs of every layer stays until it is taken. Weights, their gradient and
    what an optimiser keeps of them are left out.

    Parameters
    ----------
    network : Network
        With weights, in the precision it will learn in, on any device.
    height, width : int
        Of the image, H and W.
    """
    hollow = meta_copy(network).train().requires_grad_(True)
    weights = sum(one.nbytes for one in hollow.parameters())
    tracer = _Tracer()
    with use_kernels("reference"), tracer:
        image = torch.empty(1, network.channels, height, width, device="meta")
        hollow(image).abs().mean().backward()
    return max(tracer.peak - weights, 0)  # their gradient is among what was alive


def meta_copy(network: Network) -> Network:
    """Return a network of the same shapes without data."""
    memo: dict[int, Any] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = (
            nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
        )
    return copy.deepcopy(network, memo)
