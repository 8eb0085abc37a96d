"""CUDA graphs: launch all kernels of a function at once instead of one by one.

The GPU computes a fused step faster than the CPU can launch the step's kernels; a graph launches
all kernels at once. The first call of a function is a normal call, in which Triton compiles and
cuDNN chooses algorithms. The second call is captured as a graph, and checked against a normal call.
Later calls replay the graph: inputs are copied to its input buffers, and results from its result
buffers.

The tests use a recorder that repeats operators on the CPU; see `recording`.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from napari_sr.engine.execution.captured_call import BoundCall, Buffers, CapturedCall, kind_of
from napari_sr.engine.execution.recording import CudaRecorder
from napari_sr.engine.planning.devices import DEVICE_LOCK
from sr_kernels import add_launched, chosen, launches_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Sequence

    from napari_sr.engine.execution.recording import Recorder

Function: TypeAlias = "Callable[..., tuple[Tensor, ...]]"

MOST_PIXELS = 512**2
"""Pixels of the largest tile that is worth a graph. A kernel of 64 features in half precision moves
256 bytes per pixel; for a tile of this size, an H100 needs 22 us at 3 TB/s (computed). A CPU needs
about as long for a launch; on a slow CPU, BSRN's 99 launches took 80 us each (measured, without the
kernels). A capture is checked against a normal call, so it needs the memory of two tiles."""


class Graphs:
    """CUDA graphs of functions that take tensors, for inference in one thread at a time.

    The Python code of a function runs only when the function is called or captured, not when it is
    replayed. A replay uses the numbers and weights of the capture, so a call with other numbers or
    weights needs another key.

    After a failed capture, this process captures and replays no more graphs: the allocator of
    PyTorch before 2.12 does not recover from a failed capture (pytorch issue 180395).

    Parameters
    ----------
    max_graphs : int
        Largest number of graphs; the least recently used one is dropped. Graphs share memory:
        intermediate tensors always, inputs and results if shapes, dtypes and strides are equal.
    pixels : int
        Pixels of the largest tile that is worth a graph.
    recorder : Recorder, optional
        Recorder of the graphs; by default that of CUDA.
    """

    def __init__(
        self, *, max_graphs: int = 128, pixels: int = MOST_PIXELS, recorder: Recorder | None = None
    ) -> None:
        if max_graphs < 1:
            raise ValueError(f"Graphs needs max_graphs of at least 1, got max_graphs={max_graphs}")
        self._max_graphs = max_graphs
        self._pixels = pixels
        self._recorder = CudaRecorder() if recorder is None else recorder
        self._graphs: OrderedDict[Hashable, CapturedCall] = OrderedDict()
        self._buffers = Buffers()
        self._results: dict[Hashable, tuple[Tensor, ...]] = {}
        self._tally = dict.fromkeys(("captured", "replayed", "refused"), 0)
        self._reasons: dict[str, None] = {}

    max_extra = 1.1
    """Small: a graph saves so little time that much additional arithmetic would not pay."""
    localises = False
    """False, because kernels enlarge values on the fly; localised values would be read from
    memory."""

    def record(self) -> dict[str, object]:
        """Return what was captured and replayed, for the record of the result."""
        return {"name": "torch", **self._tally, "reasons": list(self._reasons)}

    @property
    def tally(self) -> dict[str, int]:
        """Number of captures, replays, and functions that could not be captured."""
        return dict(self._tally)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons of failed captures, each once."""
        return tuple(self._reasons)

    @property
    def bytes(self) -> int:
        """Size of the input and result buffers of all graphs, in bytes on the device."""
        return self._buffers.bytes

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether to capture the computation of a tile with this many pixels."""
        return pixels <= self._pixels and self._recorder.accepts({device})

    def ready(self, key: Hashable, tensors: Sequence[Tensor]) -> Generator[float, None, None]:
        """Return at once: nothing has to be compiled."""
        yield from ()

    def computes(self, key: Hashable, tensors: Sequence[Tensor]) -> bool:
        """Return True: graphs compute everything, even if they have to be captured first."""
        return True

    def steps(
        self,
        key: Hashable,
        function: Function,
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> Generator[float, None, tuple[Tensor, ...]]:
        """Compute a function of tensors in one step, as `run` does."""
        yield from ()
        return self.run(key, function, tensors, device=device, borrowed=borrowed)

    @torch.inference_mode()
    def run(
        self,
        key: Hashable,
        function: Function,
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> tuple[Tensor, ...]:
        """Return the results of a function, by a replay if possible.

        Parameters
        ----------
        key : Hashable
            Identifies the function and everything that it uses besides its arguments. It is kept
            until `close`.
        function : callable
            Takes the tensors; returns a tuple of tensors.
        tensors : sequence of Tensor
            Arguments of any shapes. Each combination of shapes, dtypes and strides has its own
            graph.
        device : torch.device, optional
            Device to compute on; by default that of the tensors. Tensors on other devices are
            copied directly into the buffers that a graph reads.
        borrowed : bool
            Whether the next `run` may overwrite the results, which saves a copy.

        Returns
        -------
        tuple of Tensor
            The results. No later run writes to them, unless `borrowed`.
        """
        devices = {tensor.device for tensor in tensors} if device is None else {device}
        if not tensors or not self._recorder.accepts(devices):
            return function(*_moved(tensors, device))
        [only] = devices
        full_key = (key, chosen(), only, *(kind_of(tensor) for tensor in tensors))
        if full_key not in self._results:
            results = function(*_moved(tensors, only))
            self._results[full_key] = _without_data(results)
            return results
        with DEVICE_LOCK:
            graph = self._graph(full_key, function, tensors, only)
        if graph is None:
            return function(*_moved(tensors, only))
        self._tally["replayed"] += 1
        add_launched(graph.launched)
        return graph.run(tensors, borrowed=borrowed)

    def reset(self) -> None:
        """Free the memory of all graphs, because the run starts again."""
        self.close()

    def close(self) -> None:
        """Drop all graphs and free their memory."""
        with DEVICE_LOCK:
            self._graphs.clear()
        self._results.clear()

    def _graph(
        self, key: Hashable, function: Function, tensors: Sequence[Tensor], device: torch.device
    ) -> CapturedCall | None:
        """Return the graph of a key, captured now if needed; None if it cannot be captured."""
        if key in self._graphs:
            self._graphs.move_to_end(key)
            return self._graphs[key]
        other = next(reversed(self._graphs.values())).recording if self._graphs else None
        moved = _moved(tensors, device)
        try:
            inputs = self._buffers.like("inputs", moved)
            results = self._buffers.like("results", self._results[key], device)
            call = BoundCall(function, inputs, results)
            graph = CapturedCall(self._recorder, call, moved, other)
            with launches_apart():
                agree = _agree(graph.run(moved), function(*moved))
            if not agree:
                raise RuntimeError("the results of a replay differ from those of a normal call")
        except RuntimeError as error:
            # a capture forbids many things that a normal call may do; it may also lack memory
            self._recorder.disable()
            self._tally["refused"] += 1
            self._reasons[f"{type(error).__name__}: {error}"] = None
            return None
        self._tally["captured"] += 1
        self._graphs[key] = graph
        if len(self._graphs) > self._max_graphs:
            self._graphs.popitem(last=False)
        return graph


def _moved(tensors: Sequence[Tensor], device: torch.device | None) -> tuple[Tensor, ...]:
    return tuple(tensor if device is None else tensor.to(device) for tensor in tensors)


def _without_data(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return tensors of the same shape and dtype on the meta device."""
    return tuple(torch.empty_like(tensor, device="meta") for tensor in tensors)


def _agree(results: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> bool:
    """Return whether results equal those of a normal call, up to rounding."""
    return all(
        torch.allclose(result, reference, rtol=0.01, atol=0.01, equal_nan=True)
        for result, reference in zip(results, expected, strict=True)
    )
