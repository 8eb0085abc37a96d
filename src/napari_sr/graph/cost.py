"""The multiply-adds of a network, counted while it runs on meta tensors.

A multiply-add is the product of a trained weight and a value, added to a sum. Convolutions and
matrix products with weights count. As in the tables of most papers, attention products,
interpolation, pooling, activations and biases do not count. A transposed convolution counts its
weights once for each input pixel.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_sr.graph.chain import ChunkedAttention, Step
from napari_sr.graph.meta_mode import MetaMode
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
    image = torch.zeros(1, network.inputs, height, width, device=weights[0].device)
    counter = _Counter(weights)
    # not inference_mode: there, convolutions call an operator that `_COUNTS` lacks
    with use_kernels("reference"), torch.no_grad(), counter:
        run([_without_attention(link) for link in network.chain()], image)
    return counter.total


class _Counter(MetaMode):  # type: ignore[no-untyped-call]  # torch's has no types
    """A mode that, while active, counts the multiply-adds of operations with trained weights."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()
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
        return super().__torch_dispatch__(func, types, args, kwargs)

    def follow(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Add the multiply-adds of an operation of torch to the total."""
        count = _COUNTS.get(func.overloadpacket)
        if count is not None and any(_memory(each) in self._weights for each in args[:3]):
            self.total += count(result, args)


def _shape_of_pointwise(func: Any, args: tuple[Any, ...]) -> torch.Size | None:
    """Return the shape of an activation's or a sum's result on "meta"; None for other operations.

    This takes a tenth of the time of the operation itself, and halves the time of a count.
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
    """Count (..., n, k) times (..., k, m): the product of the last two matrices in `args`."""
    *_, left, _right = (each for each in args[:3] if isinstance(each, torch.Tensor))
    return result.numel() * left.shape[-1]


_COUNTS: dict[object, Callable[[Tensor, tuple[Any, ...]], int]] = {
    aten.convolution: _of_convolution,
    aten.mm: _of_product,
    aten.addmm: _of_product,
    aten.bmm: _of_product,
    aten.baddbmm: _of_product,
}


def _without_attention(link: Link) -> Link:
    """Return a link that writes planes of the same shape without computing attention."""
    if not isinstance(link, ChunkedAttention):
        return link

    def compute(queries: Tensor, keys: Tensor) -> Tensor:
        return _empty_result(link, queries, keys)

    return Step(compute, link.reads, (link.writes,))


def _empty_result(link: ChunkedAttention, queries: Tensor, keys: Tensor) -> Tensor:
    """Return an empty result of attention; attention of one pixel shows its number of channels."""
    small = link.compute(queries.flatten(2)[..., :1], (keys.flatten(2)[..., :1],))
    return small.new_empty(*small.shape[:2], *queries.shape[2:])
