"""What one run of an image has in common over all planes, and what it reports.

Letters: C channels, H x W pixels, S scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sr.engine.execution.graphs import Graphs
from napari_sr.engine.planning.devices import placed
from napari_sr.graph.chain import with_one_writer_each
from napari_sr.layers.colour import chain_for

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from napari_sr.engine.image.arrays import Layout
    from napari_sr.engine.image.guards import Diagnostics
    from napari_sr.engine.image.plane_values import ValueRange
    from napari_sr.engine.planning.plan import Plan
    from napari_sr.graph.chain import Chain
    from napari_sr.graph.network import Network


@dataclass(frozen=True)
class Progress:
    """Told after every tile."""

    done: int
    total: int
    message: str = ""
    """Not empty where the user should know something."""
    share: float = 0.0
    """Share of the work that is done, 0..1: tiles of different stages take different times."""
    seconds_left: float | None = None
    """Measured from the tiles so far; None where it is not known yet."""


@dataclass(frozen=True)
class RunContext:
    """What stays the same over all planes of one image."""

    network: Network
    layout: Layout
    output: NDArray[Any]
    larger: Layout
    values: ValueRange
    kernels: str
    outliers: str
    diagnostics: Diagnostics
    chains: dict[torch.dtype, Chain] = field(default_factory=dict)
    """What has been put on the device so far, by precision."""
    graphs: Graphs = field(default_factory=lambda: Graphs())
    """Whole tiles, and segments of stages, as the GPU repeats them in one go."""

    def chain(self, plan: Plan, precision: torch.dtype) -> Chain:
        """Return the chain of the network on the device, in a precision."""
        if precision not in self.chains:
            here = placed(self.network, plan.device, precision)
            self.chains[precision] = with_one_writer_each(chain_for(here, self.layout.channels))
        return self.chains[precision]
