"""Notes for the user on a run by blocks, collected from all processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.overshoot import Overshoot


@dataclass
class Report:
    """Notes and counts of a run."""

    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    """Counts of everything unusual."""
    notes: list[str] = field(default_factory=list)
    """Messages of the run, except those about `diagnostics`."""
    engine: str = "torch"
    """The engine that computed most blocks."""
    engines: list[str] = field(default_factory=list)
    """All engines that computed blocks."""

    def add(self, record: dict[str, Any]) -> None:
        """Add the notes and engine of a run's record; its counts are in `diagnostics` already."""
        self.notes = list(dict.fromkeys((*self.notes, *record["notes"])))
        self.engine = record["engine"]["name"]
        counts = record["engine"].get("segments", {self.engine: 1})
        used = (name for name, count in counts.items() if count)
        self.engines = list(dict.fromkeys((*self.engines, *used)))

    def merge(self, other: Report) -> None:
        """Add the report of another process; equal notes are kept once."""
        self.notes = list(dict.fromkeys((*self.notes, *other.notes)))
        self.engine = other.engine
        self.engines = list(dict.fromkeys((*self.engines, *other.engines)))
        self.diagnostics.orientations = other.diagnostics.orientations
        self.diagnostics.declared = other.diagnostics.declared
        self.diagnostics.final = other.diagnostics.final
        self.diagnostics.merge(other.diagnostics)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON, for another process."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Report:
        """Return the report that `as_json` wrote."""
        counts = dict(found["diagnostics"])
        overshoot = Overshoot(**counts.pop("overshoot"))
        return cls(
            Diagnostics(**counts, overshoot=overshoot),
            found["notes"],
            found["engine"],
            found["engines"],
        )
