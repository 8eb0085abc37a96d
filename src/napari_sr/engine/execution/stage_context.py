"""What one tiled run of a chain holds, and the parts of planes that its tiles read.

Letters: C channels, H x W pixels of the image that enters the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_sr.graph.chain import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.engine.execution.feature_store import Features
    from napari_sr.engine.execution.graphs import Graphs
    from napari_sr.engine.planning.stage_plan import Stages
    from napari_sr.engine.planning.tiling import Region
    from napari_sr.graph.chain import Chain


class UntrustedError(Exception):
    """A tile has NaN, infinity, or values that no input explains."""


@dataclass
class StageContext:
    """What one run of a chain holds."""

    plan: Stages
    """What to run, and how it is cut."""
    chain: Chain
    """The same chain as the plan's, of a network on the device."""
    device: torch.device
    read: Callable[[slice, slice], Tensor]
    """Takes rows and columns; returns that part of the image, (1, C, rows, columns)."""
    write: Callable[[slice, slice, Tensor, bool], None]
    """Takes rows and columns, that part of the result, so many times larger, and whether it was
    computed in float32; raises `UntrustedError` where it was not and should be."""
    features: Features
    float32: bool
    """Whether `chain` computes in it."""
    kernels: str = "auto"
    """As `use_kernels` takes it."""
    careful: Chain | None = None
    """The same chain in float32 for tiles that cannot be trusted; only where nothing waits between
    stages, as features of theirs may not fit into half precision either."""
    graphs: Graphs | None = None
    """What replays steps that compute the same for every tile; None to launch all plainly."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """What was gathered, by name."""

    def part(self, name: str, part: Region) -> Tensor:
        """Return a part of the image or of a plane that waits, on the device."""
        return self.waiting(name, part).to(self.device)

    def waiting(self, name: str, part: Region) -> Tensor:
        """Return a part of the image or of a plane that waits, where it waits."""
        if name == IMAGE:
            return self.read(part.rows, part.columns)
        return self.features.read(name, part.rows, part.columns)

    def keep(self, name: str, part: Region, values: Tensor) -> None:
        """Let a part of a plane wait for later stages.

        Raises
        ------
        UntrustedError
            If it holds NaN or infinity.
        """
        if not torch.isfinite(values).all():
            raise UntrustedError(f"{name} has NaN or infinity in {part.rows}, {part.columns}")
        self.features.write(name, part.rows, part.columns, values)
