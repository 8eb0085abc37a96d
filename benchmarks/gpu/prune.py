"""Compile candidate launch options of ops, and report which candidates are not worth timing.

tune.py starts several processes of this script. Each reads JSON from standard input and prints a
line of JSON for each candidate. The compiled kernels are then in Triton's cache, so tune.py need
not compile them.

Symbols: N images, C features, H x W pixels.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from compile_gate import Case, compiled_by, inspect
from launching import Widths, arguments_of, launched_with
from triton.errors import TritonError

import sr_kernels
from sr_kernels import _rows

if TYPE_CHECKING:
    from collections.abc import Mapping

FINE = ("no matrix instructions", "loads of")
"""Faults of the compile gate that do not exclude a candidate, because timing judges them better."""
FAILURES = (TritonError, RuntimeError, ValueError, AssertionError, CalledProcessError)
"""Errors that compilers and disassemblers raise."""


def fault_of(
    op: str, width: str, size: tuple[int, int], candidate: Mapping[str, int], architecture: str
) -> str:
    """Return the fault of an op's machine code with these options, or ""."""
    widths = Widths.of(width)
    # on the meta device, tensors have no data
    arguments = arguments_of(op, widths, size, torch.device("meta"))
    try:
        with launched_with(op, candidate):
            compiled = compiled_by(partial(sr_kernels.op(op).launch, *arguments), architecture)
        case = Case(op, architecture, (torch.float16, (1, widths.inputs, *size)))
        faults = [fault for kernel in compiled for fault in inspect(case, kernel).faults]
    except FAILURES as error:
        return f"does not compile: {' '.join(str(error).split())[-100:]}"
    return ", ".join(fault for fault in faults if not fault.startswith(FINE))


def main() -> None:
    """Print the fault of every candidate."""
    given: dict[str, Any] = json.load(sys.stdin)
    torch.set_num_threads(1)  # there are as many processes as cores
    # the length of bands depends on the processors of the GPU, which this process does not see
    with mock.patch.object(_rows, "_processors", lambda device: given["processors"]):
        for op, width, size, candidate in given["jobs"]:
            fault = fault_of(op, width, tuple(size), candidate, given["architecture"])
            print(json.dumps(fault), flush=True)


if __name__ == "__main__":
    main()
