"""Recorders that capture one call on a device and replay it: `CudaRecorder` for CUDA graphs.

All code for the capture of CUDA graphs is in this module. It has not run on a GPU yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Recording(Protocol):
    """One call on a device that can be replayed."""

    results: tuple[Tensor, ...]
    """Buffers of the results. They are valid from a replay until another recording is replayed."""

    def replay(self) -> None:
        """Compute `results` from the current contents of the call's inputs."""
        ...


class Recorder(Protocol):
    """Captures calls as recordings."""

    def accepts(self, devices: Collection[torch.device]) -> bool:
        """Return whether computations on tensors of these devices can be recorded."""
        ...

    def record(
        self, call: Callable[[], tuple[Tensor, ...]], device: torch.device, other: Any
    ) -> Recording:
        """Record a call without computing it; share the memory of the recording `other`, if any."""
        ...

    def disable(self) -> None:
        """Accept no device from now on, because a recording failed."""
        ...


class CudaRecording:
    """A `torch.cuda.CUDAGraph` of one call.

    Recordings share memory, because they are never replayed at the same time.
    """

    def __init__(
        self,
        call: Callable[[], tuple[Tensor, ...]],
        stream: torch.cuda.Stream,
        other: CudaRecording | None,
    ) -> None:
        self._graph = torch.cuda.CUDAGraph()
        pool = None if other is None else other._graph.pool()
        # other threads, such as the one that draws the window, may still use the device
        capture = torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"
        )
        # if a capture fails, `torch.cuda.graph` does not restore the current stream
        with torch.cuda.stream(torch.cuda.current_stream()), capture:
            self.results = call()

    def replay(self) -> None:
        """Launch the graph on the current stream."""
        self._graph.replay()


class CudaRecorder:
    """A recorder for one CUDA device, that of its first capture; it uses a separate stream."""

    failed: ClassVar[bool] = False
    """Whether a capture of any recorder has failed in this process."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None

    def disable(self) -> None:
        """Stop all recorders of this process from capturing and replaying."""
        CudaRecorder.failed = True

    def accepts(self, devices: Collection[torch.device]) -> bool:
        """Return whether these are the recorder's one device, and no capture has failed."""
        if CudaRecorder.failed or len(devices) != 1:
            return False
        [device] = devices
        return device.type == "cuda" if self._stream is None else device == self._stream.device

    def record(
        self,
        call: Callable[[], tuple[Tensor, ...]],
        device: torch.device,
        other: CudaRecording | None,
    ) -> CudaRecording:
        """Capture a call as a CUDA graph; the call must have run once before."""
        with torch.cuda.device(device):
            if self._stream is None:
                self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own
            return CudaRecording(call, self._stream, other)
