"""What records one call on a device, to do it again: `CudaRecorder`, for CUDA graphs.

What belongs to CUDA is here and nowhere else. It has not run on a device yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Recording(Protocol):
    """What one call did on a device, ready to be done again."""

    results: tuple[Tensor, ...]
    """Where it writes; without meaning before the first replay, and after any other recording's."""

    def replay(self) -> None:
        """Compute `results` from whatever the call's inputs now hold."""
        ...


class Recorder(Protocol):
    """Makes recordings."""

    def takes(self, devices: Collection[torch.device]) -> bool:
        """Return whether what is computed of tensors on these devices can be recorded."""
        ...

    def record(
        self, call: Callable[[], tuple[Tensor, ...]], device: torch.device, beside: Any
    ) -> Recording:
        """Record a call without computing it, in the memory of the recording `beside`, if any."""
        ...

    def give_up(self) -> None:
        """Take nothing from now on: a recording failed."""
        ...


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

    def takes(self, devices: Collection[torch.device]) -> bool:
        """Return whether these are the one device, and no capture has failed."""
        if CudaRecorder.failed or len(devices) != 1:
            return False
        [device] = devices
        return device.type == "cuda" if self._stream is None else device == self._stream.device

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
