"""One call of a function, captured as a CUDA graph, and the buffers that it reads and writes."""

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
    """Input and result buffers of all graphs, shared because only one graph runs at a time.

    A buffer exists as long as a graph references it.
    """

    def __init__(self) -> None:
        self._buffers: WeakValueDictionary[Hashable, Tensor] = WeakValueDictionary()

    @property
    def bytes(self) -> int:
        """Size of all buffers in bytes."""
        return sum(tensor.nbytes for tensor in self._buffers.values())

    def like(
        self, use: str, tensors: Sequence[Tensor], device: torch.device | None = None
    ) -> tuple[Tensor, ...]:
        """Return a buffer for each of these tensors.

        Parameters
        ----------
        use : str
            Purpose of the buffers, such as "inputs"; different uses share no buffer.
        tensors : sequence of Tensor
            Tensors whose shape, dtype and strides the buffers have.
        device : torch.device, optional
            Device of the buffers; by default, the device of each tensor.
        """
        numbers: Counter[Hashable] = Counter()
        buffers = []
        for tensor in tensors:
            its_device = tensor.device if device is None else device
            kind = (use, its_device, kind_of(tensor))
            name = (kind, numbers[kind])
            numbers[kind] += 1
            if name not in self._buffers:
                buffer = torch.empty_like(tensor, device=its_device)
                self._buffers[name] = buffer
            buffers.append(self._buffers[name])
        return tuple(buffers)


class BoundCall:
    """A function bound to the buffers that it reads and writes.

    Parameters
    ----------
    function : callable
        The function, as in `Graphs.run`.
    inputs : tuple of Tensor
        Buffers that hold the arguments of the function.
    results : tuple of Tensor
        Buffers that the returned tensors are copied to. A tensor that is returned twice is copied
        once, to the first of its buffers.
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
        """Call the function, and return the buffers that hold its results."""
        results = self._function(*self.inputs)
        buffers: dict[int, Tensor] = {}
        for result, buffer in zip(results, self._results, strict=True):
            if id(result) not in buffers:
                buffers[id(result)] = buffer.copy_(result)
        return tuple(buffers[id(result)] for result in results)


class CapturedCall:
    """A captured call for one combination of shapes.

    Parameters
    ----------
    recorder : Recorder
        Recorder that captures the call.
    call : BoundCall
        The call.
    tensors : sequence of Tensor
        Inputs of the first call.
    other : Recording, optional
        Recording whose memory this one may share; None for the first recording.
    """

    def __init__(
        self, recorder: Recorder, call: BoundCall, tensors: Sequence[Tensor], other: Any
    ) -> None:
        self._inputs = call.inputs
        self._fill(tensors)  # a capture may run some operators on the inputs
        with launches_apart() as self.launched:
            self.recording = recorder.record(call, tensors[0].device, other)

    def run(self, tensors: Sequence[Tensor], *, borrowed: bool = False) -> tuple[Tensor, ...]:
        """Compute the results for these tensors; `borrowed` as in `Graphs.run`."""
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
        for buffer, tensor in zip(self._inputs, tensors, strict=True):
            buffer.copy_(tensor)


def kind_of(tensor: Tensor) -> Hashable:
    """Return shape, dtype and strides: a captured call fits only tensors that agree in these."""
    return tensor.shape, tensor.dtype, tensor.stride()
