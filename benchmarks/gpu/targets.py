"""Targets of the kernels on an H100, and whether a run reached them.

Symbols: H x W pixels of the input image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MODES = (
    "eager", "eager, graph", "compiled", "folded", "folded, graph", "ours", "ours, graph",
)  # fmt: skip
SMALL, LARGE = (180, 320), (2048, 2048)
RACES = (SMALL, (339, 510), LARGE)
"""Height and width at which BSRN-S should be fastest."""
RIVALS = {"rlfn": 2.08, "rfdn": 2.87, "imdn": 4.93}
"""Multiply-adds of each network divided by those of BSRN-S; BSRN-S should be faster by this
factor."""
DECIBELS = 0.01
PEAK = 1056
"""Target for the peak memory, in bytes per LR pixel; possible if blocks' outputs are accumulated
one by one."""
LEAST_FLOOR = 0.01
"""Least milliseconds for which an op has a target: shorter times consist mainly of the launch."""


@dataclass
class Result:
    """Results of one op or network at one size."""

    name: str
    size: tuple[int, int]
    error: float
    """Largest error as a share of the allowed error."""
    is_op: bool
    milliseconds: dict[str, float] = field(default_factory=dict)
    """Times by mode; modes that were not measured are missing."""
    bytes: int = 0
    flops: int = 0
    peak_bytes_per_pixel: dict[str, float] = field(default_factory=dict)
    launched: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Reasons for missing numbers."""

    @property
    def right(self) -> bool:
        """Whether the kernels' results are right."""
        return self.error <= 1

    def best(self, *modes: str) -> float | None:
        """Return the least time of these modes; None if none was measured."""
        return min((self.milliseconds[mode] for mode in modes if mode in self.milliseconds),
                   default=None)  # fmt: skip

    @property
    def ours(self) -> float | None:
        """The least time of the kernels, with or without a CUDA graph."""
        return self.best("ours", "ours, graph")

    def floor(self, reached: Mapping[str, float]) -> float:
        """Return the least possible milliseconds at these rates; 0 if nothing is counted."""
        moving, computing = self.bytes / reached["GB/s"], self.flops / reached["TFLOP/s"] / 1e3
        return max(moving, computing) / 1e6


@dataclass(frozen=True)
class Target:
    """One target."""

    what: str
    wanted: float
    found: float | None
    """None if it was not measured."""
    at_most: bool = False
    """Whether lower is better."""

    @property
    def verdict(self) -> str:
        """Reached, not reached, or not measured."""
        if self.found is None:
            return "not measured"
        reached = self.found <= self.wanted if self.at_most else self.found >= self.wanted
        return "reached" if reached else "NOT REACHED"

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        found = "-" if self.found is None else f"{self.found:.3g}"
        return f"| {self.what} | {sign} {self.wanted:g} | {found} | {self.verdict} |"


def ratio(slow: float | None, fast: float | None) -> float | None:
    """Return slow / fast; None if one of them was not measured."""
    return slow / fast if slow and fast else None


def targets(
    results: list[Result], reached: Mapping[str, float], decibels: Mapping[str, Mapping[str, float]]
) -> list[Target]:
    """Return all targets with the measured values.

    Parameters
    ----------
    results : list of Result
        Results of ops and networks.
    reached : mapping of str to float
        The device's largest rates: "GB/s" and "TFLOP/s".
    decibels : mapping of str to mapping of str to float
        PSNR by network and precision.
    """
    networks = {(each.name, each.size): each for each in results if not each.is_op}
    ops = [each for each in results if each.is_op and each.size == LARGE]
    found = [*_of_bsrn(networks), *_of_races(networks)]
    for op in ops:
        floor = op.floor(reached)
        if floor > LEAST_FLOOR:
            share = ratio(floor, op.ours)
            found.append(Target(f"{op.name}, 2048 x 2048: share of its floor", 0.8, share))
        gain = ratio(op.best("compiled"), op.ours)
        found.append(Target(f"{op.name}, 2048 x 2048: times faster than compiled", 1, gain))
    for name in decibels or ("bsrn",):
        values = decibels.get(name, {})
        loss = abs(values["float16"] - values["float32"]) if len(values) == 2 else None
        what = f"{name}, Set5: dB between half precision with kernels and float32"
        found.append(Target(what, DECIBELS, loss, at_most=True))
    return found


def _of_bsrn(networks: Mapping[tuple[str, tuple[int, int]], Result]) -> Iterator[Target]:
    small, large = networks.get(("bsrn", SMALL)), networks.get(("bsrn", LARGE))
    ours = small.ours if small else None
    for mode, wanted in {"eager": 8, "compiled": 2.5}.items():
        gain = ratio(small.best(mode), ours) if small else None
        yield Target(f"bsrn x4, 320 x 180: times faster than {mode}", wanted, gain)
    peak = large.peak_bytes_per_pixel.get("ours") if large else None
    what = "bsrn x4, 2048 x 2048: peak bytes per LR pixel"
    yield Target(what, PEAK, peak or None, at_most=True)


def _of_races(networks: Mapping[tuple[str, tuple[int, int]], Result]) -> Iterator[Target]:
    for size in RACES:
        mine = networks.get(("bsrn_s", size))
        for name, wanted in RIVALS.items():
            other = networks.get((name, size))
            for mode in ("eager", "compiled"):
                gain = ratio(other.best(mode), mine.ours) if mine and other else None
                what = f"bsrn_s, {size[1]} x {size[0]}: times faster than {name} {mode}"
                yield Target(what, wanted, gain)
