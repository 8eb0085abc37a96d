"""CUDA graphs: what the CPU launched once, kernel by kernel, the GPU repeats in one go.

A fused step takes a GPU less time than its launches take the CPU. So a function is called plainly
the first time (Triton compiles, cuDNN chooses), captured and checked against a plain call the
second time, and replayed from then on: its inputs are copied to where the graph reads, its results
from where the graph writes.

What belongs to CUDA is `CudaRecording` and nothing else. It has not run on a device yet: the tests
drive all the rest by a recording that repeats operators on the CPU.

Letters: N images, C features, H x W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import torch
from torch import Tensor

from napari_sr.engine.devices import DEVICE_LOCK
from sr_kernels import add_launched, chosen, launches_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

Function: TypeAlias = "Callable[..., tuple[Tensor, ...]]"


class Recording(Protocol):
    """What one call did on a device, ready to be done again."""

    results: tuple[Tensor, ...]
    """Where it writes; without meaning before the first replay, and after any other recording's."""

    def replay(self) -> None:
        """Compute `results` from whatever the call's inputs now hold."""
        ...


class Recorder(Protocol):
    """Makes recordings."""

    def takes(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether what is computed from these tensors can be recorded."""
        ...

    def record(
        self, call: Callable[[], tuple[Tensor, ...]], device: torch.device, beside: Any
    ) -> Recording:
        """Record a call without computing it, in the memory of the recording `beside`, if any."""
        ...

    def give_up(self) -> None:
        """Take nothing from now on: a recording failed."""
        ...


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
        Graphs that are kept; the least recently used goes. A graph holds its inputs and results,
        and shares the memory in between with all others.
    recorder : Recorder, optional
        What captures; None for CUDA.
    """

    def __init__(self, *, most: int = 128, recorder: Recorder | None = None) -> None:
        if most < 1:
            raise ValueError(f"Graphs keeps at least 1 graph, got most={most}")
        self._most = most
        self._recorder = CudaRecorder() if recorder is None else recorder
        self._kept: OrderedDict[Hashable, _Graph] = OrderedDict()
        self._met: set[Hashable] = set()
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

    @torch.inference_mode()
    def run(
        self, key: Hashable, function: Function, tensors: Sequence[Tensor]
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

        Returns
        -------
        tuple of Tensor
            Nobody else's: no later run writes into them.
        """
        if not tensors or not self._recorder.takes(tensors):
            return function(*tensors)
        full = (key, chosen(), *(_kind(tensor) for tensor in tensors))
        if full not in self._met:
            self._met.add(full)
            return function(*tensors)
        with DEVICE_LOCK:
            graph = self._graph(full, function, tensors)
        if graph is None:
            return function(*tensors)
        self._tally["replayed"] += 1
        add_launched(graph.launched)
        return graph.run(tensors)

    def close(self) -> None:
        """Forget everything, and with it give back the memory of all graphs."""
        with DEVICE_LOCK:
            self._kept.clear()
        self._met.clear()

    def _graph(
        self, full: Hashable, function: Function, tensors: Sequence[Tensor]
    ) -> _Graph | None:
        """Return the graph, captured now if need be, or None where it cannot be captured."""
        if full in self._kept:
            self._kept.move_to_end(full)
            return self._kept[full]
        beside = next(reversed(self._kept.values())).recording if self._kept else None
        try:
            graph = _Graph(self._recorder, function, tensors, beside)
            with launches_apart():
                right = _agree(graph.run(tensors), function(*tensors))
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


class _Graph:
    """One captured function at one combination of shapes."""

    def __init__(
        self, recorder: Recorder, function: Function, tensors: Sequence[Tensor], beside: Any
    ) -> None:
        # copies, not empty memory: a capture may run some operators on what it finds
        self._inputs = tuple(tensor.clone() for tensor in tensors)
        with launches_apart() as self.launched:
            device = tensors[0].device
            self.recording = recorder.record(lambda: function(*self._inputs), device, beside)

    def run(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the results for these tensors."""
        for place, tensor in zip(self._inputs, tensors, strict=True):
            place.copy_(tensor)
        self.recording.replay()
        # a tensor that is returned twice is copied once
        results = self.recording.results
        copies = {id(result): result for result in results}
        copies = {name: result.clone() for name, result in copies.items()}
        return tuple(copies[id(result)] for result in results)


class CudaRecording:
    """A `torch.cuda.CUDAGraph` of one call.

    Its memory may be that of other recordings, as they are never replayed at the same time.
    """

    def __init__(
        self,
        call: Callable[[], tuple[Tensor, ...]],
        stream: torch.cuda.Stream,
        beside: CudaRecording | None,
    ) -> None:
        self._graph = torch.cuda.CUDAGraph()
        pool = None if beside is None else beside._graph.pool()
        # other threads, such as the one that draws, may do with the device what they like
        capture = torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"
        )
        # where a capture fails, `torch.cuda.graph` leaves its stream the current one
        with torch.cuda.stream(torch.cuda.current_stream()), capture:
            self.results = call()

    def replay(self) -> None:
        """Launch the graph on the current stream."""
        self._graph.replay()


class CudaRecorder:
    """Captures on one CUDA device, the first that it captures on, on a stream of its own."""

    failed: ClassVar[bool] = False
    """Whether a capture of any recorder has failed in this process."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None

    def give_up(self) -> None:
        """Let no recorder of this process capture or replay any more."""
        CudaRecorder.failed = True

    def takes(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether all tensors lie on the one device, and no capture has failed."""
        if CudaRecorder.failed:
            return False
        devices = {tensor.device for tensor in tensors}
        if self._stream is not None:
            return devices == {self._stream.device}
        return len(devices) == 1 and devices.pop().type == "cuda"

    def record(
        self,
        call: Callable[[], tuple[Tensor, ...]],
        device: torch.device,
        beside: CudaRecording | None,
    ) -> CudaRecording:
        """Capture a call that has run once before."""
        with torch.cuda.device(device):
            if self._stream is None:
                self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own
            return CudaRecording(call, self._stream, beside)


def _agree(results: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> bool:
    """Say whether a replay's results are a plain call's, but for the order of sums."""
    return all(
        torch.allclose(result, wanted, rtol=0.01, atol=0.01, equal_nan=True)
        for result, wanted in zip(results, expected, strict=True)
    )


def _kind(tensor: Tensor) -> Hashable:
    """Return what a captured call depends on, beside the values."""
    return tensor.shape, tensor.dtype, tensor.stride(), tensor.device
