"""Sums of what steps report, which stay on the device until they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Totals:
    """Sums since the last report; on the device, so that no step waits for them."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, values: dict[str, Tensor]) -> None:
        """Add a step's scalars."""
        for key, value in values.items():
            number = value.float()  # sums of booleans would be booleans
            self.sums[key] = self.sums[key] + number if key in self.sums else number
            self.counts[key] = self.counts.get(key, 0) + 1

    def means(self) -> dict[str, float]:
        """Return the mean of each, which waits for the device."""
        return {key: (one / self.counts[key]).item() for key, one in self.sums.items()}
