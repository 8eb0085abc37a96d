"""CUDA graphs: what the CPU launched once, kernel by kernel, the GPU repeats in one go.

A fused step takes a GPU less time than its launches take the CPU. So a function is called plainly
the first time (Triton compiles, cuDNN chooses), captured and checked against a plain call the
second time, and replayed from then on: its inputs are copied to where the graph reads, its results
from where the graph writes.

The tests drive all of it by a recording that repeats operators on the CPU; see `recording`.

Letters: N images, C features, H x W pixels.
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
    from collections.abc import Callable, Hashable, Sequence

    from napari_sr.engine.execution.recording import Recorder

Function: TypeAlias = "Callable[..., tuple[Tensor, ...]]"

MOST_PIXELS = 512**2
"""Of a tile whose launches a graph saves. A kernel of 64 features in half precision moves 256 bytes
a pixel: for a larger tile an H100 takes 22 us at 3 TB/s (computed). The CPU takes about as long for
a launch; on a slow one BSRN's 99 launches took 80 us each (measured, with the kernels left out). A
capture checks its graph beside a plain call, so that it needs the memory of two tiles."""


class Graphs:
    """Replays functions of tensors; for inference, by one thread at a time.

    A function is Python once only: what it does beside computing tensors from tensors happens when
    it is called and captured, not when it is replayed. Numbers and weights are those of that time;
    a key that stands for other numbers or weights must be another key.

    After one failed capture nothing is captured or replayed any more, by nobody in this process:
    the allocator of PyTorch before 2.12 does not recover from one (pytorch issue 180395).

    Parameters
    ----------
    most : int
        Graphs that are kept; the least recently used goes. All share their memory: that of inputs
        and results as far as shapes, dtypes and strides are the same, and that in between.
    pixels : int
        Of the largest tiles that are worth a graph.
    recorder : Recorder, optional
        What captures; None for CUDA.
    """

    def __init__(
        self, *, most: int = 128, pixels: int = MOST_PIXELS, recorder: Recorder | None = None
    ) -> None:
        if most < 1:
            raise ValueError(f"Graphs keeps at least 1 graph, got most={most}")
        self._most = most
        self._pixels = pixels
        self._recorder = CudaRecorder() if recorder is None else recorder
        self._kept: OrderedDict[Hashable, CapturedCall] = OrderedDict()
        self._buffers = Buffers()
        self._met: dict[Hashable, tuple[Tensor, ...]] = {}
        self._tally = dict.fromkeys(("captured", "replayed", "refused"), 0)
        self._reasons: dict[str, None] = {}

    @property
    def tally(self) -> dict[str, int]:
        """How many were captured and replayed, and how many refused capture and run plainly."""
        return dict(self._tally)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why some refused, each reason once."""
        return tuple(self._reasons)

    @property
    def bytes(self) -> int:
        """What the inputs and results of all graphs take on the device."""
        return self._buffers.bytes

    def takes(self, device: torch.device, pixels: int) -> bool:
        """Return whether what a device computes of a tile of so many pixels is to be captured."""
        return pixels <= self._pixels and self._recorder.takes({device})

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
        """Return what the function makes of these tensors, replayed where that is possible.

        Parameters
        ----------
        key : Hashable
            Stands for the function, with all in it that is no argument. Kept until `close`.
        function : callable
            Takes the tensors, returns a tuple of tensors.
        tensors : sequence of Tensor
            Of any shapes; each combination of shapes, dtypes and strides has a graph of its own.
        device : torch.device, optional
            Where to compute; None for where all tensors lie. Tensors that lie elsewhere are copied
            there, and straight to where a graph reads.
        borrowed : bool
            Whether the next `run` may overwrite the results, which saves copying them.

        Returns
        -------
        tuple of Tensor
            Nobody else's, unless `borrowed`: no later run writes into them.
        """
        devices = {tensor.device for tensor in tensors} if device is None else {device}
        if not tensors or not self._recorder.takes(devices):
            return function(*_moved(tensors, device))
        [there] = devices
        full = (key, chosen(), there, *(kind_of(tensor) for tensor in tensors))
        if full not in self._met:
            results = function(*_moved(tensors, there))
            self._met[full] = _hollow(results)
            return results
        with DEVICE_LOCK:
            graph = self._graph(full, function, tensors, there)
        if graph is None:
            return function(*_moved(tensors, there))
        self._tally["replayed"] += 1
        add_launched(graph.launched)
        return graph.run(tensors, borrowed=borrowed)

    def close(self) -> None:
        """Forget everything, and with it give back the memory of all graphs."""
        with DEVICE_LOCK:
            self._kept.clear()
        self._met.clear()

    def _graph(
        self, full: Hashable, function: Function, tensors: Sequence[Tensor], device: torch.device
    ) -> CapturedCall | None:
        """Return the graph, captured now if need be, or None where it cannot be captured."""
        if full in self._kept:
            self._kept.move_to_end(full)
            return self._kept[full]
        beside = next(reversed(self._kept.values())).recording if self._kept else None
        here = _moved(tensors, device)
        try:
            inputs = self._buffers.like("inputs", here)
            results = self._buffers.like("results", self._met[full], device)
            call = BoundCall(function, inputs, results)
            graph = CapturedCall(self._recorder, call, here, beside)
            with launches_apart():
                right = _agree(graph.run(here), function(*here))
            if not right:
                raise RuntimeError("a replay computes something else than a plain call")
        except RuntimeError as error:
            # a capture forbids much that a plain call may do; out of memory is one of these, too
            self._recorder.give_up()
            self._tally["refused"] += 1
            self._reasons[f"{type(error).__name__}: {error}"] = None
            return None
        self._tally["captured"] += 1
        self._kept[full] = graph
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return graph


def _moved(tensors: Sequence[Tensor], device: torch.device | None) -> tuple[Tensor, ...]:
    return tuple(tensor if device is None else tensor.to(device) for tensor in tensors)


def _hollow(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return tensors like these without data."""
    return tuple(torch.empty_like(tensor, device="meta") for tensor in tensors)


def _agree(results: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> bool:
    """Say whether a replay's results are a plain call's, but for the order of sums."""
    return all(
        torch.allclose(result, wanted, rtol=0.01, atol=0.01, equal_nan=True)
        for result, wanted in zip(results, expected, strict=True)
    )
