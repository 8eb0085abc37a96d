"""The cost of one kernel launch, counted in its machine code (SASS), without a GPU.

Imported by compile_gate.py and kernel_model.py. NVIDIA's disassembler lists the instructions of a
compiled kernel. Instructions outside loops are counted once; instructions of the innermost loop are
counted once per iteration (`LOOPS` computes the iterations). The instructions determine the load of
each resource of a multiprocessor (SM):

* issue: an SM starts four instructions of 32 threads each per clock, one for each of four warps;
* shared memory: it delivers 128 bytes per clock, so a warp that reads 16 bytes per thread takes
  four clocks. Bank conflicts are not counted;
* L2: bytes of asynchronous copies, which bypass the L1 cache, and bytes of stores;
* L1: bytes of all other loads, 128 per clock. Cache misses are not counted;
* matrices: operations of the matrix instructions.

Times that are derived from these counts are lower bounds. Nothing here has run on a GPU.
"""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from triton import knobs

if TYPE_CHECKING:
    from compiling import Compiled
    from torch import Tensor

WARP = 32
"""Threads of a warp."""
LABEL = re.compile(r"\s*\.(L_x_\d+):")
INSTRUCTION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Zx0-9_.]*)([^;]*);")
SHARED = ("LDS", "STS", "LDSM", "STSM", "LDGSTS")
PAST_L1 = ("LDGSTS", "STG")

RESULTS = ("y_ptr", "refined_ptr", "mean_ptr", "x_ptr")
"""Counts are divided by the elements of one of these arguments: the first that a kernel has."""
LOOPS = {
    "_esa": lambda given: given["rows"],
    "_channel_gate": lambda given: math.ceil(given["parts"] / given["SLOTS"]),
    "_moments": lambda given: math.ceil(given["parts"] / given["PARTS"]),
    "bsconv": lambda given: given["rows"],
    "conv3x3": lambda given: 9 * math.ceil(given["INPUTS"] / given["DEPTH"]),
    "depthwise_gelu": lambda given: given["rows"],
    "esa_pool": lambda given: given["rows"] + 1,
    "plane_moments": lambda given: given["tiles"],
}
"""Iterations of the innermost loop of a file's kernel, from its arguments; 1 for other files."""


@dataclass(frozen=True)
class Processor:
    """Resources of an SM."""

    registers: int
    shared: int
    warps: int
    programs: int


PROCESSORS = {
    "sm_80": Processor(65_536, 167_936, 64, 32),
    "sm_89": Processor(65_536, 102_400, 48, 24),
    "sm_90": Processor(65_536, 233_472, 64, 32),
    "sm_120": Processor(65_536, 102_400, 48, 24),
}
"""From the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"."""
PORT = 64
"""Bytes per clock between a multiprocessor and L2."""
CACHE = 128
"""Bytes per clock that L1 delivers."""
RESERVED = 1024
"""Bytes of shared memory that the driver reserves in each program."""
GRAIN = 256
"""A warp gets a multiple of this number of registers."""


@dataclass(frozen=True)
class Count:
    """Counts for one warp."""

    instructions: float = 0
    shared: float = 0
    """Clocks of shared memory."""
    fetched: float = 0
    """Bytes between the SM and L2 that bypass L1."""
    loaded: float = 0
    """Bytes that may be in L1."""
    matrix: float = 0
    """Operations of a warp's matrix instructions (mma.sync), two for each multiply-add."""
    wide_matrix: float = 0
    """Operations of matrix instructions of four warps (wgmma), one warp's share."""
    barriers: float = 0

    def __add__(self, other: Count) -> Count:
        return self.times(1, other)

    def times(self, number: float, onto: Count | None = None) -> Count:
        """Return `number` times this count plus `onto`."""
        onto = onto or Count()
        return Count(
            *(
                number * getattr(self, name) + getattr(onto, name)
                for name in self.__dataclass_fields__
            )
        )


@dataclass(frozen=True)
class Launch:
    """One launch: its machine code, its programs, and what they compute."""

    name: str
    """File and function."""
    loop: Count
    """Counts for one iteration of the innermost loop; zero if there is none."""
    rest: Count
    """Counts for everything outside the loop."""
    turns: int
    warps: int
    programs: int
    resident: int
    """Programs that run on an SM at the same time."""
    elements: int
    """Elements of the result, by which counts are divided."""

    @property
    def whole(self) -> Count:
        """Counts for all warps of all programs."""
        each = self.loop.times(self.turns, self.rest)
        return each.times(self.warps * self.programs)

    @property
    def inside(self) -> Count:
        """Counts of the innermost loop for 32 elements; of all instructions if there is no loop."""
        inner = self.loop if self.loop.instructions else self.rest
        share = self.warps * self.programs * WARP / self.elements
        return inner.times(share * (self.turns if self.loop.instructions else 1))

    def clocks(self, processors: int, matrix: float, wide_matrix: float) -> dict[str, float]:
        """Return the least clocks of the busiest multiprocessor, by resource.

        Parameters
        ----------
        processors : int
            Number of multiprocessors of the GPU.
        matrix, wide_matrix : float
            Matrix operations of one multiprocessor per clock, by mma.sync and by wgmma.
        """
        busiest = math.ceil(self.programs / processors)
        one = self.loop.times(self.turns, self.rest)
        each = one.times(self.warps * busiest)
        # a warp starts at most one instruction per clock, and only `resident` programs run at once
        in_turn = one.instructions * math.ceil(busiest / self.resident)
        return {
            "issue": max(each.instructions / 4, in_turn),
            "shared": each.shared,
            "matrix": each.matrix / matrix + each.wide_matrix / wide_matrix,
            "L1": each.loaded / CACHE,
            "port": each.fetched / PORT,
        }


def launch_of(compiled: Compiled, architecture: str) -> Launch:
    """Count the instructions of a kernel compiled for an NVIDIA GPU, one of `PROCESSORS`."""
    kernel, given = compiled.kernel, compiled.given
    file = kernel.src.fn.__module__.rpartition(".")[2]
    inner, rest, registers = counted(kernel.hash, kernel.asm["cubin"])
    result: Tensor = next(given[name] for name in RESULTS if given.get(name) is not None)
    warps = kernel.metadata.num_warps
    return Launch(
        name=f"{file}.{kernel.name}",
        loop=inner,
        rest=rest,
        turns=LOOPS.get(file, lambda given: 1)(given),
        warps=warps,
        programs=compiled.programs,
        resident=resident(architecture, registers, kernel.metadata.shared, warps),
        elements=result.numel(),
    )


def resident(architecture: str, registers: int, shared: int, warps: int) -> int:
    """Return how many programs run on an SM at the same time."""
    limits = PROCESSORS[architecture]
    of_warp = math.ceil(registers * WARP / GRAIN) * GRAIN
    return max(
        1,
        min(
            limits.registers // (of_warp * warps),
            limits.shared // (shared + RESERVED),
            limits.warps // warps,
            limits.programs,
        ),
    )


_CODE: dict[str, tuple[Count, Count, int]] = {}


def counted(key: str, cubin: bytes) -> tuple[Count, Count, int]:
    """Return the counts of the innermost loop and of the rest, and the registers of a thread."""
    if key not in _CODE:
        listing = disassembled(cubin)
        instructions, spans = parsed(listing)
        start, stop = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
        inner = sum(map(count_of, instructions[start:stop]), Count())
        outside = instructions[:start] + instructions[stop:]
        # the NOPs that pad the end are never reached
        rest = sum((count_of(each) for each in outside if each[0] != "NOP"), Count())
        found = re.findall(r"\bR(\d+)\b", listing)
        _CODE[key] = inner, rest, max(map(int, found), default=0) + 1
    return _CODE[key]


def disassembled(cubin: bytes) -> str:
    """Return the disassembly of the machine code."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [knobs.nvidia.nvdisasm.path, "-c", file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def parsed(listing: str) -> tuple[list[tuple[str, str]], list[tuple[int, int]]]:
    """Return the instructions with their operands, and the innermost loops as [start, stop)."""
    instructions: list[tuple[str, str]] = []
    labels: dict[str, int] = {}
    for line in listing.splitlines():
        if label := LABEL.match(line):
            labels[label[1]] = len(instructions)
        if found := INSTRUCTION.search(line):
            instructions.append((found[1], found[2]))
    loops = []
    for place, (name, operands) in enumerate(instructions):
        target = re.search(r"\.(L_x_\d+)", operands) if name.startswith("BRA") else None
        # a branch to itself ends a kernel, and is no loop
        if target and labels.get(target[1], place) < place:
            loops.append((labels[target[1]], place + 1))
    inner = [
        loop
        for loop in loops
        if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in loops)
    ]
    return instructions, inner


@cache
def _count_of(name: str) -> Count:
    kind, *options = name.split(".")
    sizes = {"128": 16, "64": 8, "U16": 2, "S16": 2, "U8": 1, "S8": 1}
    size = next((sizes[option] for option in options if option in sizes), 4)
    clocks = size / 4
    if kind in ("LDSM", "STSM"):
        # the option is the number of 8 x 8 matrices of two bytes, one clock each
        clocks = float(options[-1]) if options[-1].isdigit() else 1.0
    return Count(
        instructions=1,
        shared=max(clocks, 1) if kind in SHARED else 0,
        fetched=WARP * size if kind in PAST_L1 else 0,
        loaded=WARP * size if kind == "LDG" else 0,
        matrix=_operations(name, "HMMA"),
        wide_matrix=_operations(name, "HGMMA"),
        barriers=kind == "BAR",
    )


def _operations(name: str, kind: str) -> float:
    found = re.match(rf"{kind}\.(?:(\d+)x(\d+)x(\d+)|1688|16816)\b", name)
    if found is None:
        return 0.0
    if found[1]:
        return 2.0 * math.prod(map(int, found.groups())) / 4
    # 16816 means 16 x 8 x 16, and 1688 means 16 x 8 x 8
    return 2.0 * 16 * 8 * (16 if "16816" in name else 8)


def count_of(instruction: tuple[str, str]) -> Count:
    """Return the cost of one instruction for a warp."""
    return _count_of(instruction[0])
