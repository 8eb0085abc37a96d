"""The state that all planes of a run share, and the progress of a run.

Symbols: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.planning.devices import on_device
from napari_sr.graph.chain import with_one_writer_each
from napari_sr.layers.colour import chain_for

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_sr.engine.backends.interface import Backend
    from napari_sr.engine.execution.shrunk_spread import ShrunkSpread
    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.guards import Diagnostics
    from napari_sr.engine.image.plane_values import PlaneValues, ValueRange
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network

Finished: TypeAlias = "tuple[NDArray[Any], NDArray[Any]]"
"""A shrunk plane before and after rounding."""
COUNTED_TOGETHER = 1 << 20
"""Number of values of a shrunk plane that are counted at once."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run after a tile."""

    done: int
    total: int
    """Numbers of finished tiles and of all tiles."""
    message: str = ""
    """Message for the user; "" if there is none."""
    share: float = 0.0
    """Share of the work done, 0..1; tiles of different stages take different times."""
    seconds_left: float | None = None
    """Time left, estimated from the tiles so far; None if it is not known yet."""


class UntrustedError(Exception):
    """A tile has NaN, infinity or values far outside what its input allows."""


class Plane(Protocol):
    """One plane of the image: the source of pixels, and the target of results."""

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return a part of the image, (1, C, rows, columns), in float32."""
        ...

    def write(self, rows: slice, columns: slice, values: Tensor, float32: bool) -> None:
        """Write a part of the result, which is `scale` times larger than the image.

        Raises `UntrustedError` if the part is implausible and was not computed in float32.
        """
        ...


class Output(Protocol):
    """An array that results are written into, part by part."""

    @property
    def dtype(self) -> Any:
        """Type of the values."""

    def __setitem__(self, index: Any, values: Any, /) -> None: ...


@dataclass(frozen=True)
class RunContext:
    """The state that all planes of one image share."""

    network: Network
    layout: Layout
    """Layout of the image."""
    output: Output
    output_layout: Layout
    values: ValueRange
    """Black and white."""
    kernels: str
    """Choice of kernels, as `use_kernels` takes it."""
    outliers: str
    """Treatment of implausible results, a key of `guards.OUTLIERS`."""
    diagnostics: Diagnostics
    chains: dict[torch.dtype, Chain] = field(default_factory=dict)
    """Chains on the device, by precision; filled as they are needed."""
    spread: Output | ShrunkSpread | None = None
    """Array of float32 for the standard deviation over the orientations of an ensemble; if the
    result is shrunk, what computes it."""
    noise: tuple[float, ...] = (0.0,)
    """Standard deviation of the noise, where white is 1, for networks that take it: of the image,
    or of each channel."""
    unshrunk: list[PlaneValues] = field(default_factory=list)
    """The plane whose result waits to be shrunk, if any."""
    backend: Backend = field(default_factory=lambda: Graphs())
    """The engine that computes whole tiles, and segments of stages."""

    def count(self, values: PlaneValues) -> None:
        """Add the overshoot of a plane to the diagnostics, unless it is shrunk first."""
        if self.network.factor == self.network.scale:
            self.diagnostics.overshoot.merge(values.overshoot)
        else:
            self.unshrunk[:] = [values]

    def count_shrunk(self, found: Finished | None) -> None:
        """Add the overshoot of a shrunk plane, if any, to the diagnostics."""
        if found is not None:
            (unrounded, written), values = found, self.unshrunk.pop()
            values.reset()
            step = max(1, COUNTED_TOGETHER // (written[0].size or 1))  # bounds the memory
            for start in range(0, len(written), step):
                rows = slice(start, start + step)
                values.measure(unrounded[rows], written[rows])
            self.diagnostics.overshoot.merge(values.overshoot)

    def chain(self, plan: Plan, precision: torch.dtype) -> Chain:
        """Return the network's chain on the device of a plan, in a precision."""
        if precision not in self.chains:
            network = on_device(self.network, plan.device, precision)
            self.chains[precision] = with_one_writer_each(chain_for(network, self.layout.channels))
        return self.chains[precision]


class Notes:
    """Messages for the user, which are also kept for the record of the result.

    Parameters
    ----------
    first : str
        Message to put before the first progress message; "" for none.
    """

    def __init__(self, first: str) -> None:
        self.all: list[str] = []
        self._first = first

    def take(self, message: str) -> str:
        """Return a progress message, with the first message before it; add both to the record."""
        full = "; ".join(part for part in (self._first, message) if part)
        self._first = ""
        self.add(full)
        return full

    def add(self, message: str) -> None:
        """Add a message to the record of the result; skip an empty one."""
        if message:
            self.all.append(message)
