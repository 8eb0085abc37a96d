"""One call of a function, captured with the memory that it reads and writes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch

from sr_kernels import launches_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from torch import Tensor

    from napari_sr.engine.execution.recording import Recorder


class Buffers:
    """What graphs read and write: shared, as no two of them ever run at the same time.

    A buffer lives as long as a graph holds it.
    """

    def __init__(self) -> None:
        self._kept: WeakValueDictionary[Hashable, Tensor] = WeakValueDictionary()

    @property
    def bytes(self) -> int:
        """What all of them take."""
        return sum(tensor.nbytes for tensor in self._kept.values())

    def like(
        self, use: str, tensors: Sequence[Tensor], device: torch.device | None = None
    ) -> tuple[Tensor, ...]:
        """Return a buffer for each of these tensors, on a device; another use has others."""
        numbers: Counter[Hashable] = Counter()
        buffers = []
        for tensor in tensors:
            there = tensor.device if device is None else device
            kind = (use, there, kind_of(tensor))
            name = (kind, numbers[kind])
            numbers[kind] += 1
            if name not in self._kept:
                buffer = torch.empty_like(tensor, device=there)
                self._kept[name] = buffer
            buffers.append(self._kept[name])
        return tuple(buffers)


class BoundCall:
    """A function that reads and writes given tensors.

    Parameters
    ----------
    function : callable
        As in `Graphs.run`.
    inputs : tuple of Tensor
        What it takes.
    results : tuple of Tensor
        Where what it returns is copied to; what is returned twice, to the first place.
    """

    def __init__(
        self,
        function: Callable[..., tuple[Tensor, ...]],
        inputs: tuple[Tensor, ...],
        results: tuple[Tensor, ...],
    ) -> None:
        self._function = function
        self.inputs = inputs
        self._results = results

    def __call__(self) -> tuple[Tensor, ...]:
        """Compute, and return the tensors that hold the results."""
        found = self._function(*self.inputs)
        places: dict[int, Tensor] = {}
        for result, place in zip(found, self._results, strict=True):
            if id(result) not in places:
                places[id(result)] = place.copy_(result)
        return tuple(places[id(result)] for result in found)


class CapturedCall:
    """One captured call at one combination of shapes."""

    def __init__(
        self, recorder: Recorder, call: BoundCall, tensors: Sequence[Tensor], beside: Any
    ) -> None:
        self._inputs = call.inputs
        self._fill(tensors)  # a capture may run some operators on what it finds
        with launches_apart() as self.launched:
            self.recording = recorder.record(call, tensors[0].device, beside)

    def run(self, tensors: Sequence[Tensor], *, borrowed: bool = False) -> tuple[Tensor, ...]:
        """Compute the results for these tensors."""
        self._fill(tensors)
        self.recording.replay()
        results = self.recording.results
        if borrowed:
            return results
        # a tensor that is returned twice is copied once
        copies = {id(result): result for result in results}
        copies = {name: result.clone() for name, result in copies.items()}
        return tuple(copies[id(result)] for result in results)

    def _fill(self, tensors: Sequence[Tensor]) -> None:
        for place, tensor in zip(self._inputs, tensors, strict=True):
            place.copy_(tensor)


def kind_of(tensor: Tensor) -> Hashable:
    """Return what a captured call depends on, beside the values."""
    return tensor.shape, tensor.dtype, tensor.stride()
