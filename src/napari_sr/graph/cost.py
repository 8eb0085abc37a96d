"""The multiply-adds of a network, counted while it runs on meta tensors.

A multiply-add is a trained weight times a value, added to a sum. So convolutions and matrix
products with weights count; products of attention, interpolation, pooling, activations and biases
do not, as in the tables of most papers. A transposed convolution is counted at its input pixels.

Letters: N images, C features, H x W pixels, n of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from napari_sr.graph.chain import ChunkedAttention, Step
from napari_sr.graph.run import run
from sr_kernels._choice import use_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sr.graph.chain import Link
    from napari_sr.graph.network import Network

aten = torch.ops.aten


def parameters(network: Network) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: Network, height: int, width: int) -> int:
    """Return the number of multiply-adds for one image.

    Parameters
    ----------
    network : Network
        On any device; on "meta" nothing is computed, so it takes milliseconds.
    height, width : int
        Size of the input image.

    Raises
    ------
    ValueError
        If the network does not accept this size.
    """
    weights = list(network.parameters())
    network.check_size(height, width)
    if not weights:
        return 0
    image = torch.zeros(1, network.channels, height, width, device=weights[0].device)
    counter = _Counter(weights)
    # no gradients, but no inference mode either: there a convolution has another operator name
    with use_kernels("reference"), torch.no_grad(), counter:
        run([_one_pixel_of(link) for link in network.chain()], image)
    return counter.total


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's has no types
    """Counts the multiply-adds of all operations with trained weights while active."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.total = 0
        self._weights = {_memory(weight) for weight in weights}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        shape = _shape_of_pointwise(func, args)
        if shape is not None:
            return args[0].new_empty(shape)
        result = func(*args, **(kwargs or {}))
        count = _COUNTS.get(func.overloadpacket)
        if count is not None and any(_memory(each) in self._weights for each in args[:3]):
            self.total += count(result, args)
        return result


def _shape_of_pointwise(func: Any, args: tuple[Any, ...]) -> torch.Size | None:
    """Return the result of an activation or a sum on "meta", in a tenth of the time.

    None for other operations. This shortcut halves the time of a count.
    """
    if torch.Tag.pointwise not in func.tags or func._schema.is_mutable:
        return None
    tensors = [each for each in args if isinstance(each, torch.Tensor)]
    if not tensors or tensors[0] is not args[0] or not all(each.is_meta for each in tensors):
        return None
    shapes = {each.shape for each in tensors}
    return shapes.pop() if len(shapes) == 1 else None


def _memory(value: object) -> int | None:
    """Return a key that a tensor shares with its views, and with no other tensor."""
    return value.untyped_storage()._cdata if isinstance(value, torch.Tensor) else None


def _of_convolution(result: Tensor, args: tuple[Any, ...]) -> int:
    image, weight, transposed = args[0], args[1], args[6]
    where: Tensor = image if transposed else result
    pixels: int = where.shape[0] * where.shape[2:].numel()
    return pixels * int(weight.numel())


def _of_product(result: Tensor, args: tuple[Any, ...]) -> int:
    """Count (..., n, k) times (..., k, m): the product of the last two matrices in `arguments`."""
    *_, left, _right = (each for each in args[:3] if isinstance(each, torch.Tensor))
    return result.numel() * left.shape[-1]


_COUNTS: dict[object, Callable[[Tensor, tuple[Any, ...]], int]] = {
    aten.convolution: _of_convolution,
    aten.mm: _of_product,
    aten.addmm: _of_product,
    aten.bmm: _of_product,
    aten.baddbmm: _of_product,
}


def _one_pixel_of(link: Link) -> Link:
    """Return a link that writes planes of the same shape without computing attention."""
    if not isinstance(link, ChunkedAttention):
        return link

    def compute(queries: Tensor, keys: Tensor) -> Tensor:
        return _looked_by_one(link, queries, keys)

    return Step(compute, link.reads, (link.writes,))


def _looked_by_one(link: ChunkedAttention, queries: Tensor, keys: Tensor) -> Tensor:
    """Return (N, C, H, W) with as many channels as attention returns for (N, C', H, W)."""
    small = link.compute(queries.flatten(2)[..., :1], (keys.flatten(2)[..., :1],))
    return small.new_empty(*small.shape[:2], *queries.shape[2:])
