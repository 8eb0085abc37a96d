"""Check that every shipped kernel compiles well for every supported GPU; needs no GPU.

    python benchmarks/gpu/compile_gate.py [--at-most N] [--workers N] [--write FILE]

Every op is launched as on a GPU, while a fake driver reports which GPU to compile for. Triton
compiles the same machine code as on that GPU, but nothing runs. The machine code must

* have no spills,
* need no more shared memory than the GPU has (the compiler does not check this),
* have matrix instructions if the kernel has a `tl.dot`, and
* have 128-bit loads if the number of channels allows them.

For NVIDIA, the last two are checked in PTX, because the assembler does not change them.

For the GPUs of `COUNTED`, machine_code.py also counts the instructions of the innermost loop, for
every op at the sizes of `COUNTED_SIZES`. The counts must not exceed `LIMITS`.

The script prints two Markdown tables (stored in compile_gate.md), and fails if any check fails. It
cannot detect slow kernels, races or wrong machine code.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__" and os.environ.pop("TRITON_INTERPRET", None):
    os.execv(sys.executable, [sys.executable, *sys.argv])  # the variable is read at import

import counted
import torch
from compiling import SHARED_LIMITS, compiled_by
from triton import knobs
from triton.errors import TritonError

import sr_kernels
from napari_sr import models

if TYPE_CHECKING:
    from collections.abc import Callable

VARIANTS = (
    (torch.float16, (1, 64, 180, 320)),
    (torch.float16, (1, 50, 180, 320)),
    (torch.bfloat16, (1, 48, 37, 53)),
)
"""Types and shapes (N, C, H, W). C is the width of BSRN, RFDN and BSRN-S. Some sizes are multiples
of 16 and others are not, because Triton compiles separate binaries for them."""

NETWORKS = {
    "bsrn": (torch.bfloat16, (1, 3, 32, 48)),
    "bsrn_s": (torch.float16, (1, 3, 32, 48)),
    "rfdn": (torch.float16, (1, 3, 32, 48)),
    "imdn": (torch.bfloat16, (1, 3, 32, 48)),
}
"""Networks with the type and shape of an input image. Every launch inside them is also compiled,
because there, ops have other widths and lack optional arguments."""

NARROW = {
    "_channel_gate._kernel": "reads the moments of the parts of a plane, once",
    "_moments._merge_kernel": "reads four bytes of every part of a plane, once",
    "contrast_gate._kernel": "reads the moments of one image and two small matrices, once",
}
"""Kernels that need no 128-bit loads, and why."""

MATRIX = re.compile(r"\b(mma\.sync|wgmma\.mma_async|tcgen05\.mma|v_mfma)")
STACK = re.compile(r"\b(?:STACK|LOCAL):(\d+)")
AMD_SPILLS = re.compile(r"vgpr_spill_count: *(\d+)")
LOADS = re.compile(r"\bld\.global\S*?(?:\.v(\d))?\.[bufs](\d+)\b")
COPIES = re.compile(r"\bcp\.async\.c[ag]\.shared\.global\S* \[[^]]*\], \[[^]]*\], (0x[\da-f]+|\d+)")
AMD_LOADS = re.compile(r"\b(?:buffer|global)_load_(\w+)")
"""Patterns in NVIDIA's PTX and tools and in AMD's machine code."""


@dataclass(frozen=True)
class Case:
    """One launch of an op."""

    op: str
    architecture: str
    variant: tuple[torch.dtype, tuple[int, int, int, int]]
    """Type and shape of the op's first argument."""


@dataclass(frozen=True)
class Row:
    """Properties of the machine code of one kernel."""

    case: Case
    kernel: str
    warps: int
    stages: int
    registers: int
    spills: int
    shared: int
    matrix: str
    """The matrix instruction, or "-"."""
    load: int
    """Bits of the widest load from global memory."""
    wants_matrix: bool
    wants_wide: bool
    error: str = ""
    """Why the kernel does not compile, or ""."""

    @property
    def faults(self) -> list[str]:
        """Return the faults, in a few words each."""
        limit = SHARED_LIMITS[self.case.architecture]
        found = {
            self.error: bool(self.error),
            f"{self.spills} spills": self.spills > 0,
            f"more than {limit} B of shared memory": self.shared > limit,
            "no matrix instructions": self.wants_matrix and self.matrix == "-",
            f"loads of {self.load} bits": self.wants_wide and self.load < 128,
        }
        return [fault for fault, holds in found.items() if holds]


def assembly(compiled: Any) -> str:
    """Return the text of a kernel's machine code, with its use of resources.

    For NVIDIA, the text is PTX, because the disassembler takes a quarter of a second per kernel.
    """
    if "amdgcn" in compiled.asm:
        return compiled.asm["amdgcn"]
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        command = [knobs.nvidia.cuobjdump.path, "-res-usage", file.name]
        usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return usage + compiled.asm["ptx"]


def spills_in(code: str) -> int:
    """Return the number of words that each thread spills."""
    return sum(map(int, AMD_SPILLS.findall(code))) + sum(map(int, STACK.findall(code))) // 4


def widest_load(code: str) -> int:
    """Return the bits of the widest load from global memory, 0 if there is none."""
    found = [int(count or 1) * int(bits) for count, bits in LOADS.findall(code)]
    found += [8 * int(count, 0) for count in COPIES.findall(code)]
    for kind in AMD_LOADS.findall(code):
        words = re.search(r"dword(?:x(\d))?", kind)
        found.append(32 * int(words[1] or 1) if words else 16)
    return max(found, default=0)


def inspect(case: Case, compiled: Any) -> Row:
    """Return the properties of one compiled kernel that are checked."""
    name = f"{compiled.src.fn.__module__.rpartition('.')[2]}.{compiled.name}"
    code = assembly(compiled)
    registers = re.search(r"\bREG:(\d+)|\.vgpr_count: *(\d+)", code)
    matrix = MATRIX.search(code)
    return Row(
        case=case,
        kernel=name,
        warps=compiled.metadata.num_warps,
        stages=compiled.metadata.num_stages,
        registers=int(registers[1] or registers[2]) if registers else 0,
        spills=spills_in(code),
        shared=compiled.metadata.shared,
        matrix=matrix[1] if matrix else "-",
        load=widest_load(code),
        wants_matrix="tt.dot" in compiled.asm["ttir"],
        # eight channels of two bytes are 128 bits; this needs pixels that are aligned to 128 bits
        wants_wide=case.variant[1][1] % 16 == 0 and name not in NARROW,
    )


def rows_of(chosen: list[Case]) -> dict[str, Row]:
    """Compile and inspect the kernels of these launches for one architecture, each kernel once.

    Returns
    -------
    dict of str to Row
        Rows by the kernel's hash, which also depends on the architecture.
    """
    torch.set_num_threads(1)  # there are as many processes as cores
    rows: dict[str, Row] = {}
    for case in chosen:
        try:
            compiled = compiled_by(call_of(case), case.architecture)
        except (TritonError, RuntimeError) as error:
            rows[repr(case)] = broken(case, error)
            continue
        new = {kernel.hash: kernel for kernel in compiled if kernel.hash not in rows}
        rows.update({key: inspect(case, kernel) for key, kernel in new.items()})
    return rows


def broken(case: Case, error: Exception) -> Row:
    """Return the row of a launch that does not compile."""
    words = " ".join(str(error).split())[-200:].replace("|", "/")
    return Row(case, "?", 0, 0, 0, 0, 0, "-", 0, False, False, f"does not compile: {words}")


def call_of(case: Case) -> Callable[[], object]:
    """Return a function that launches an op on its example, or a network on an image."""
    dtype, shape = case.variant
    if case.op in NETWORKS:
        network = models.architecture(case.op).network(scale=4, blocks=2).eval().to(dtype)
        return torch.inference_mode()(partial(network, torch.zeros(shape, dtype=dtype)))
    op = sr_kernels.op(case.op)
    return partial(op.launch, *op.example(shape, dtype, torch.device("cpu")))


def cases(most: int | None = None) -> list[Case]:
    """Return every op for every architecture and variant, then the networks.

    With `most`, return at most that many cases: only ops, with alternating architectures.
    """
    ops, architectures = sr_kernels.names(), list(SHARED_LIMITS)
    if most is None:
        whole = product(NETWORKS, architectures)
        networks = [Case(name, architecture, NETWORKS[name]) for name, architecture in whole]
        return [Case(*each) for each in product(ops, architectures, VARIANTS)] + networks
    chosen = []
    for turn in range(most):
        place = turn + turn // len(ops)
        architecture = architectures[place % len(architectures)]
        variant = VARIANTS[place % len(VARIANTS)]
        chosen.append(Case(ops[turn % len(ops)], architecture, variant))
    return chosen


def groups_of(chosen: list[Case]) -> list[list[Case]]:
    """Return groups of cases for parallel processes: ops by architecture, then networks.

    Networks come last, because most of their kernels are then in Triton's cache.
    """
    groups = [
        [case for case in chosen if case.architecture == name and (case.op in NETWORKS) == late]
        for late, name in product((False, True), SHARED_LIMITS)
    ]
    return [group for group in groups if group]


def heading() -> str:
    """Return the versions and the columns of the table."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "triton")
    )
    columns = (
        "needed by", "kernel", "GPU", "dtype", "C x H x W", "warps", "stages", "registers",
        "spills", "shared, B", "matrix", "widest load, bits", "faults",
    )  # fmt: skip
    return "\n".join(
        [
            "# Machine code of every shipped kernel",
            "",
            f"Written by `python benchmarks/gpu/compile_gate.py`, with {versions}. The kernels "
            "were compiled, but not run.",
            "",
            f"| {' | '.join(columns)} |",
            "|---" * len(columns) + "|",
        ]
    )


def line(row: Row) -> str:
    """Return one row of the Markdown table."""
    case, (dtype, shape) = row.case, row.case.variant
    cells = (
        case.op, row.kernel, case.architecture, str(dtype).removeprefix("torch."),
        " x ".join(map(str, shape[1:])), row.warps, row.stages, row.registers, row.spills,
        row.shared, row.matrix, row.load, ", ".join(row.faults),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Print the table; return 1 if a kernel has a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at-most", type=int, help="compile at most this many cases of ops")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of processes")
    parser.add_argument("--write", type=Path, help="file for the tables")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        counting = pool.map(counted.lines_of, counted.COUNTED if arguments.at_most is None else ())
        found: dict[str, Row] = {}
        for rows_by_hash in pool.map(rows_of, groups_of(cases(arguments.at_most))):
            # if an op and a network have the same kernel, keep the op's row
            found |= {key: row for key, row in rows_by_hash.items() if key not in found}
        counts = [each for lines in counting for each in lines]
    order = list(SHARED_LIMITS)
    rows = sorted(found.values(), key=lambda row: order.index(row.case.architecture))
    faulty = [row for row in rows if row.faults]
    over = [each for each in counts if each.over]
    summary = f"\n{len(rows)} kernels, {len(faulty)} with faults."
    table = "\n".join([heading(), *map(line, rows), summary, ""])
    if counts:
        table += counted.table(counts)
    print(table)
    if arguments.write:
        arguments.write.write_text(table)
    return bool(faulty or over)


if __name__ == "__main__":
    sys.exit(main())
