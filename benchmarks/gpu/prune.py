"""Compile candidates for the launch of ops ahead of time, and say which are not worth a try.

Started by tune.py, many at once, each in a process in which kernels are compiled, not interpreted.
Takes JSON on its standard input and prints a line of JSON for each answer; what compiles lies in
Triton's cache afterwards, so that whoever times it need not compile.

Letters: N images, C features, H x W pixels.
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
"""Faults of the compile gate that a clock judges better."""
FAILURES = (TritonError, RuntimeError, ValueError, AssertionError, CalledProcessError)
"""What compilers and disassemblers raise."""


def fault_of(
    op: str, width: str, size: tuple[int, int], candidate: Mapping[str, int], architecture: str
) -> str:
    """Return what is wrong with the machine code of an op launched so, or nothing."""
    widths = Widths.of(width)
    # random values, too, are made of nothing
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
    """Answer every job."""
    given: dict[str, Any] = json.load(sys.stdin)
    torch.set_num_threads(1)  # there are as many processes as cores
    # bands are as long as on the device, which this process may not have
    with mock.patch.object(_rows, "_processors", lambda device: given["processors"]):
        for op, width, size, candidate in given["jobs"]:
            fault = fault_of(op, width, tuple(size), candidate, given["architecture"])
            print(json.dumps(fault), flush=True)


if __name__ == "__main__":
    main()
