"""Segments compiled for this processor, while PyTorch computes the first tiles.

A run does not wait for a compiler. PyTorch computes a segment until it is compiled. Meanwhile
another process compiles, checks and times the segment with each compiler (`trial`). The fastest
compiler with right results computes all later tiles of that shape, in this run and in later ones.

Only a run that must give the same bits when it is repeated waits for the compilers, once per
segment.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_sr.engine.backends.compiled_segments import CompiledSegments
from napari_sr.engine.backends.compilers import COMPILERS, largest_error
from napari_sr.engine.backends.held_segments import HeldSegments
from napari_sr.engine.backends.loaded import LOOK_AGAIN
from napari_sr.engine.planning.segments import in_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import torch
    from torch import Tensor

    from napari_sr.engine.backends.compiled_segments import CompiledSegment
    from napari_sr.engine.backends.interface import SegmentKey
    from napari_sr.engine.backends.trial_requests import Shapes
    from napari_sr.graph.network import Network

LEAST_PIXELS = 32**2
"""Pixels of the smallest tile that is compiled."""
MOST_CHECKED = 512**2
"""Pixels of the largest plane whose first result in a process is compared with PyTorch's."""
MOST_ERROR = {"float32": 1e-4, "bfloat16": 5e-2}
"""Largest error allowed in a segment's first results, relative to the largest value."""
FAILURES: tuple[type[BaseException], ...] = (RuntimeError, ValueError)
"""Errors that compiled segments may raise, besides the engines' own classes."""
MOST_WAIT = 120.0
"""Largest number of seconds that a run waits for the trials of a segment."""


class Compiled:
    """An engine that compiles the segments of one network, and uses those that are right and fast.

    Parameters
    ----------
    network : Network
        The network on the CPU, in float32.
    channels : int
        Channels of the image.
    engines : sequence of str
        Compilers to try.
    always : bool
        Whether to use a compiler even if it is slower than PyTorch.
    precision : str
        Precision of the compilers, "float32" or "bfloat16"; PyTorch computes in float32.
    waits : bool
        Whether each segment waits for its trials, so that one engine computes all its tiles.

    Attributes
    ----------
    engines, always
        The parameters.
    """

    max_extra = 1.25
    """Larger than for CUDA graphs, because compilers are up to three times as fast as PyTorch."""
    localises = True

    def __init__(
        self,
        network: Network,
        channels: int,
        engines: Sequence[str],
        *,
        always: bool = False,
        precision: str = "float32",
        waits: bool = False,
    ) -> None:
        self._network = network
        self.engines = tuple(engines)
        self.always = always
        self._precision = precision
        self._waits = waits
        self._segments = CompiledSegments(
            network, channels, engines, always=always, precision=precision
        )
        self._requests = self._segments.requests
        self._counts = dict.fromkeys((*engines, "torch"), 0)
        self._held = HeldSegments()

    def accepts(self, device: torch.device, pixels: int) -> bool:
        """Return whether tiles of this many pixels on a device can be compiled."""
        return device.type == "cpu" and pixels >= LEAST_PIXELS

    def steps(
        self,
        key: SegmentKey,
        function: Callable[..., tuple[Tensor, ...]],
        tensors: Sequence[Tensor],
        *,
        device: torch.device | None = None,
        borrowed: bool = False,
    ) -> Generator[float, None, tuple[Tensor, ...]]:
        """Compute a function of tensors, as `Backend.steps` does."""
        yield from self.ready(key, tensors)
        segment = self._current(key, tensors)
        if segment.compute is None:
            self._counts["torch"] += 1
            return function(*tensors)
        name = segment.names[segment.engine]
        self._held.use(name, segment.compute, sum(tensor.nbytes for tensor in tensors))
        try:
            # each segment has its own result buffers, which only its next run overwrites
            results = tuple((yield from segment.compute.steps(tensors, segment.seconds)))
        except FAILURES + COMPILERS[segment.engine].errors() as error:
            segment.refuse(f"{segment.engine} failed: {error}"[:300])
            self._counts["torch"] += 1
            return function(*tensors)
        checked = _CHECKED.setdefault(self._network, set())
        # the trial checked whole large planes; a check here would take as long as the run
        large = key.is_whole and tensors[0].shape[-2:].numel() > MOST_CHECKED
        if name not in checked and not large:
            segment.compute.free()  # PyTorch now needs as much
            expected = yield from in_steps(function, tensors)
            right = self._check(segment, results, expected)
            checked.add(name)
            if not (self._waits and right):
                self._counts["torch"] += 1
                return expected
        self._counts[segment.engine] += 1
        return results

    def computes(self, key: SegmentKey, tensors: Sequence[Tensor]) -> bool:
        """Return whether the segment is compiled for tensors of these shapes."""
        compiled = self._current(key, tensors).compute is not None
        self._counts["torch"] += not compiled
        return compiled

    def _current(self, key: SegmentKey, tensors: Sequence[Tensor]) -> CompiledSegment:
        """Return the state of a segment, with the fastest engine that is ready."""
        if key.reads_image:
            self._requests.remember(tensors[0])
        return self._segments.segment(key, _shapes(tensors))

    def ready(self, key: SegmentKey, tensors: Sequence[Tensor]) -> Generator[float, None, None]:
        """Wait until a segment is settled, or for `MOST_WAIT` seconds at most, if the run waits.

        It yields while it waits, so that the run can be cancelled.
        """
        segment = self._current(key, tensors)
        if not self._waits:
            return
        end = time.monotonic() + MOST_WAIT
        while not segment.settled and time.monotonic() < end:
            self._requests.submit()
            if self._requests.refused.issuperset(segment.names.values()):
                break
            time.sleep(LOOK_AGAIN)
            yield 0.0
            self._segments.settle(segment, key, _shapes(tensors))
        segment.settled = True

    def _check(
        self, segment: CompiledSegment, results: Sequence[Tensor], expected: Sequence[Tensor]
    ) -> bool:
        """Stop using a segment if its first results in this process differ from PyTorch's."""
        error = largest_error(results, expected)
        if not error <= MOST_ERROR[self._precision]:
            why = f"{segment.engine}'s results differ from PyTorch's by {error:.1e} of the largest"
            segment.refuse(f"{why} value")
            return False
        return True

    def record(self) -> dict[str, object]:
        """Return the number of segments that each engine computed, for the record of the result."""
        compiled = max(self.engines, key=lambda engine: self._counts[engine])
        return {
            "name": compiled if self._counts[compiled] else "torch",
            "precision": self._precision if self._counts[compiled] else "float32",
            "segments": dict(self._counts),
            "largest_error": max(self._segments.errors, default=None),
            "reasons": [*self._segments.why, *self._requests.problems],
        }

    def reset(self) -> None:
        """Free the memory of a run that starts again, and drop the requested trials."""
        self._held.free()
        self._forget()

    def close(self) -> None:
        """Free the memory of a run that ends, the last segment's later; start requested trials."""
        # when Python ends and closes a forgotten run, a new thread would never start
        if not sys.is_finalizing():
            self._requests.submit()
            self._held.free_later()
        self._forget()

    def _forget(self) -> None:
        self._segments.clear()


def _shapes(tensors: Sequence[Tensor]) -> Shapes:
    return tuple(tuple(tensor.shape) for tensor in tensors)


_CHECKED: WeakKeyDictionary[Network, set[str]] = WeakKeyDictionary()
"""Segments whose first results have been compared with PyTorch's in this process, by network."""
