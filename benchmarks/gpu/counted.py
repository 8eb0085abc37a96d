"""The launches whose instructions compile_gate.py counts, and their limits.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from compiling import compiling
from launching import Widths, size_of
from machine_code import Launch, launch_of

import sr_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTED = ("sm_80", "sm_90", "sm_120")
COUNTED_SIZES = {"320 x 180": (180, 320), "2048 x 2048": (2048, 2048)}
"""(H, W) by its label, width x height."""
PROCESSORS = {"sm_80": 108, "sm_90": 132, "sm_120": 170}
"""Multiprocessors of a large GPU of each architecture: A100, H100 (SXM), RTX 5090."""
WIDTHS = ((64, 64), (64, 32), (16, 16), (48, 48), (12, 64))
"""Channels in and out of the BSConvs of BSRN and BSRN-S."""
LIMITS = {
    "bsconv 64 to 64": (35, 9.5, 7),
    "bsconv 64 to 32": (40, 13, 11),
    "bsconv 16 to 16": (35, 6, 7),
    "bsconv 48 to 48": (47, 11.5, 8.5),
    "conv3x3": (32, 21, 3),
    "esa_moments": (38, 9, 5),
    "esa_mix": (34, 10.5, 7),
}
"""Limits for an op's first launch on the architecture `LIMITED`: instructions per element, clocks
of shared memory per 32 elements, and bytes per element that bypass the L1 cache."""
MOST_BARRIERS = {"esa_moments": 25}
"""Largest number of barriers in one iteration of the loop."""
LIMITED = "sm_90"
LEEWAY = 1.03
"""Factor by which other GPUs may exceed the limits."""


@dataclass(frozen=True)
class Counted:
    """One launch at one size."""

    label: str
    architecture: str
    size: str
    launch: Launch
    first: bool = True
    """Whether it is the first launch of its op."""

    @property
    def over(self) -> str:
        """Return the limit that the launch exceeds, or ""."""
        most = LIMITS.get(self.label)
        if most is None or not self.first or not self.launch.loop.instructions:
            return ""
        barriers, allowed = self.launch.loop.barriers, MOST_BARRIERS.get(self.label, math.inf)
        if barriers > allowed:
            return f"{barriers:.0f} barriers of {allowed}"
        leeway = 1 if self.architecture == LIMITED else LEEWAY
        inside = self.launch.inside
        counts = (inside.instructions, inside.shared, inside.fetched / 32)
        for found, limit in zip(counts, most, strict=True):
            if found > leeway * limit:
                return f"{found:.1f} of {limit}"
        return ""


def bsconv(inputs: int, outputs: int, size: tuple[int, int]) -> Callable[[], object]:
    """Return the launch of a BSConv, with a skip if both widths are equal."""
    with torch.device("meta"):
        x = torch.empty(1, inputs, *size, dtype=torch.half)
        x = x.contiguous(memory_format=torch.channels_last)
        pointwise = torch.empty(outputs, inputs, 1, 1, dtype=torch.half)
        depthwise = torch.empty(outputs, 1, 3, 3, dtype=torch.half)
        bias = torch.empty(outputs, dtype=torch.half)
    residual = x if inputs == outputs else None
    launch = sr_kernels.op("bsconv").launch
    return partial(launch, x, pointwise, None, depthwise, bias, residual, "gelu")


def example(op: str, size: tuple[int, int]) -> tuple[Any, ...]:
    """Return an op's example arguments for 64 features, on the meta device."""
    with torch.device("meta") as nowhere:  # tensors without data, even random ones
        channels = Widths(64).inside(op).inputs
        shape = (1, channels, *size_of(op, size))
        return sr_kernels.op(op).example(shape, torch.half, nowhere)


def launched(op: str, size: tuple[int, int]) -> Callable[[], object]:
    """Return the launch of an op on its example."""
    return partial(sr_kernels.op(op).launch, *example(op, size))


def lines_of(architecture: str) -> list[Counted]:
    """Count all launches for one architecture."""
    calls: list[tuple[str, Callable[[tuple[int, int]], Callable[[], object]]]] = [
        *((f"bsconv {a} to {b}", partial(bsconv, a, b)) for a, b in WIDTHS),
        *((op, partial(launched, op)) for op in sr_kernels.names() if op != "bsconv"),
    ]
    found = []
    for label, made in calls:
        for name, size in COUNTED_SIZES.items():
            with compiling(architecture, PROCESSORS[architecture]) as compiled:
                made(size)()
            found += [
                Counted(label, architecture, name, launch_of(each, architecture), place == 0)
                for place, each in enumerate(compiled)
            ]
    return found


COLUMNS = (
    "op", "kernel", "GPU", "image", "instructions", "shared", "L2, B", "L1, B", "barriers",
    "programs", "resident", "over the limit",
)  # fmt: skip


def table(counts: list[Counted]) -> str:
    """Return the Markdown table, preceded by the meaning of its columns."""
    lines = [
        "",
        "## What a launch takes",
        "",
        "Counted in the machine code (`benchmarks/gpu/machine_code.py`), in half precision, with "
        "64 features unless the op's name has other widths. The columns count, in the innermost "
        "loop or, without a loop, in all code: *instructions* for each element of the result; "
        "*shared*, clocks of shared memory for 32 elements; *L2*, bytes for each element that "
        "bypass L1; *L1*, bytes of loads for each element that may be in L1; *barriers* of one "
        "iteration. *programs* is the number of programs of the launch, *resident* the number "
        "that one multiprocessor runs at once, on "
        + ", ".join(f"{name} with {PROCESSORS[name]} multiprocessors" for name in COUNTED)
        + ".",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for each in counts:
        launch, inside = each.launch, each.launch.inside
        turn = launch.loop if launch.loop.instructions else launch.rest
        cells: tuple[Any, ...] = (
            each.label, launch.name, each.architecture, each.size, f"{inside.instructions:.1f}",
            f"{inside.shared:.1f}", f"{inside.fetched / 32:.1f}", f"{inside.loaded / 32:.1f}",
            int(turn.barriers), launch.programs, launch.resident, each.over,
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    over = sum(bool(each.over) for each in counts)
    return "\n".join([*lines, "", f"{len(counts)} launches, {over} over a limit.", ""])
