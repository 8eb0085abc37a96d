"""Find the memory that a network needs for a tile, without computing a pixel.

Symbols: H x W pixels.
"""

from __future__ import annotations

import copy
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from napari_sr.graph.meta_mode import MetaMode
from napari_sr.layers.colour import enlarge
from sr_kernels import use_kernels

if TYPE_CHECKING:
    from napari_sr.graph.network import Network

WORKSPACE = 1.7
"""Peak memory divided by that of the tensors alone: convolution libraries reorder and unfold their
inputs. Measured on the CPU (benchmarks/memory/forecast.py)."""


class _Tracer(MetaMode):  # type: ignore[no-untyped-call]  # torch's has no types
    """A mode that counts bytes of live tensors, their peak, and elements of the largest tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = 0
        self.peak = 0
        self.largest = 0
        self._followed: weakref.WeakSet[Any] = weakref.WeakSet()

    def follow(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Count the tensors that an operation of torch returned."""
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.largest = max(self.largest, leaf.numel())
                self._track(leaf.untyped_storage())

    def _track(self, storage: Any) -> None:
        if storage in self._followed:
            return
        self._followed.add(storage)
        size = storage.nbytes()
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.alive -= size


@dataclass(frozen=True)
class Footprint:
    """Memory of one tile on the device, without the weights."""

    peak: int
    """Largest total size of tensors that exist at the same time, in bytes."""
    largest: int
    """Number of elements of the largest tensor."""


def peak_bytes(network: Network, channels: int, height: int, width: int) -> int:
    """Return the peak memory of tensors while one tile is upscaled, in bytes; see `footprint`."""
    return footprint(network, channels, height, width).peak


def footprint(network: Network, channels: int, height: int, width: int) -> Footprint:
    """Return the memory that upscaling one tile needs.

    Parameters
    ----------
    network : Network
        The network in the precision of the run, on any device.
    channels, height, width : int
        Size of the tile, (1, channels, H, W).
    """
    without_data = meta_copy(network)
    tracer = _Tracer()
    with torch.inference_mode(), use_kernels("reference"), tracer:
        image = torch.empty(1, channels, height, width, device="meta")
        enlarge(without_data, image)
    return Footprint(tracer.peak, tracer.largest)


def learning_bytes(network: Network, height: int, width: int) -> int:
    """Return the peak memory of tensors while a network learns from one image, in bytes.

    The activations that the backward pass needs are included. Weights, their gradients and the
    optimiser's state are not.

    Parameters
    ----------
    network : Network
        A network with weights, in the precision of training, on any device.
    height, width : int
        Size of the image, H and W.
    """
    without_data = meta_copy(network).train().requires_grad_(True)
    weights = sum(one.nbytes for one in without_data.parameters())
    tracer = _Tracer()
    with use_kernels("reference"), tracer:
        image = torch.empty(1, network.inputs, height, width, device="meta")
        without_data(image).abs().mean().backward()
    return max(tracer.peak - weights, 0)  # the peak includes the gradients of the weights


def meta_copy(network: Network) -> Network:
    """Return a copy of a network on the meta device: the same shapes without data."""
    memo: dict[int, Any] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = (
            nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
        )
    return copy.deepcopy(network, memo)
