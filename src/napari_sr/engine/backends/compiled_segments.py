"""Which engine computes each segment of a network: the fastest that a trial found right.

Trials run in other processes and write their verdicts to the library of compiled segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sr.engine.backends import library
from napari_sr.engine.backends.compilers import COMPILERS
from napari_sr.engine.backends.fingerprint import fingerprint
from napari_sr.engine.backends.loaded import LOADED
from napari_sr.engine.backends.trial_requests import TrialRequests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sr.engine.backends.compilers import Compute
    from napari_sr.engine.backends.interface import SegmentKey
    from napari_sr.engine.backends.library import Verdict
    from napari_sr.engine.backends.trial_requests import Shapes
    from napari_sr.graph.network import Network

PATIENCE = 1.0
"""Seconds after which a run requests trials; a shorter run requests them at its end."""


@dataclass
class CompiledSegment:
    """The state of one segment, for tensors of one shape."""

    names: dict[str, str]
    """Name of the segment in the library, by engine."""
    engine: str = "torch"
    """The engine behind `compute`."""
    compute: Compute | None = None
    """Function that computes the segment; None while PyTorch computes it."""
    seconds: float = 0.0
    """Time of the segment in its trial."""
    settled: bool = False
    """Whether every engine has a verdict, and the fastest one is loaded."""

    def refuse(self, why: str) -> None:
        """Stop using the engine for this segment, in this process."""
        LOADED.refuse(self.names[self.engine], why)
        self.engine, self.compute, self.settled = "torch", None, False


class CompiledSegments:
    """The segments of one network that a run has computed so far, by the shapes of their inputs.

    Parameters
    ----------
    network, channels, engines, always, precision
        As for `Compiled`.

    Attributes
    ----------
    requests : TrialRequests
        Trials that segments without a verdict still need.
    why : dict
        Reasons why PyTorch computes a segment; the values are None.
    errors : list of float
        Largest relative errors of the compiled segments in their trials.
    """

    def __init__(
        self,
        network: Network,
        channels: int,
        engines: Sequence[str],
        *,
        always: bool,
        precision: str,
    ) -> None:
        self._network = network
        self._channels = channels
        self._engines = tuple(engines)
        self._always = always
        self._precision = precision
        self._weights = ""
        self._known: dict[object, CompiledSegment] = {}
        self.requests = TrialRequests(network, channels, precision)
        self.why: dict[str, None] = {}
        self.errors: list[float] = []

    def segment(self, key: SegmentKey, shapes: Shapes) -> CompiledSegment:
        """Return the state of a segment, with the fastest engine that is ready."""
        segment = self._segment(key, shapes)
        if not segment.settled:
            self.settle(segment, key, shapes)
        return segment

    def _segment(self, key: SegmentKey, shapes: Shapes) -> CompiledSegment:
        known = (key.indices, key.inputs, key.outputs, shapes)
        if known not in self._known:
            self._weights = self._weights or fingerprint(self._network)
            names = {
                engine: library.name_of(
                    self._weights,
                    self._channels,
                    f"{engine} {COMPILERS[engine].version()} {self._precision}",
                    key,
                    shapes,
                )
                for engine in self._engines
            }
            self._known[known] = CompiledSegment(names)
        return self._known[known]

    def settle(self, segment: CompiledSegment, key: SegmentKey, shapes: Shapes) -> None:
        """Use the fastest engine that is ready; request missing trials."""
        verdicts = {engine: LOADED.verdict(name) for engine, name in segment.names.items()}
        usable = {
            engine: verdict
            for engine, verdict in verdicts.items()
            if verdict is not None and (verdict.faster or (self._always and verdict.right))
        }
        missing = [engine for engine, verdict in verdicts.items() if verdict is None]
        for engine in missing:
            self.requests.add(engine, segment.names[engine], key, shapes)
        self.requests.submit_after(PATIENCE)
        best = max(usable, key=lambda engine: usable[engine].gain, default=None)
        if best is None:
            segment.settled = not missing
            segment.engine, segment.compute = "torch", None
            reasons = [verdict.why for verdict in verdicts.values() if verdict is not None]
            self.why |= dict.fromkeys(why or "PyTorch is as fast" for why in reasons)
        elif best != segment.engine:
            self._load(segment, best, usable[best])
        else:
            segment.settled = not missing

    def _load(self, segment: CompiledSegment, engine: str, verdict: Verdict) -> None:
        """Let an engine compute a segment, if its compiled form has been loaded."""
        model = LOADED.model(segment.names[engine], engine, self._precision)
        if model is not None:
            segment.engine, segment.compute = engine, model.start()
            segment.seconds = verdict.milliseconds / 1e3
            self.errors.append(verdict.error)

    def clear(self) -> None:
        """Free the memory of all segments, and drop the requested trials."""
        self._known.clear()
        self.requests.clear()
