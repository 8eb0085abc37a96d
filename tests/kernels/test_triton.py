"""Triton is imported safely, and everything imports without it."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sr_kernels import _triton
from sr_kernels._triton import (
    Absent,
    cdiv,
    import_triton,
    kernel_jit,
    next_power_of_2,
    triton,
)

WITHOUT = """
import sys, importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "triton" else real(name, *rest)
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_every_op_computes_where_triton_is_not_installed():
    printed = run(
        WITHOUT
        + """
import torch, sr_kernels
from sr_kernels._triton import HAS_TRITON
for name in sr_kernels.names():
    op = sr_kernels.op(name)
    op.public(*op.example((1, 8, 5, 6), torch.float32, torch.device("cpu")))
print(HAS_TRITON, "triton" in sys.modules)
"""
    )

    assert printed == "False False"


def test_what_the_stand_in_decorates_stays_as_it_is():
    def kernel():
        return 3

    assert Absent().jit(kernel) is kernel
    assert Absent().jit(do_not_specialize=["n"])(kernel) is kernel


@pytest.mark.skipif(not hasattr(os, "RTLD_DEEPBIND"), reason="only Linux has RTLD_DEEPBIND")
def test_triton_keeps_to_its_own_llvm():
    printed = run(
        """
import os, sys
asked = []
real = sys.setdlopenflags
sys.setdlopenflags = lambda flags: (asked.append(flags), real(flags))
usual = sys.getdlopenflags()
import sr_kernels._triton
print(bool(asked[0] & os.RTLD_DEEPBIND), sys.getdlopenflags() == usual)
"""
    )

    assert printed == "True True"


def test_triton_is_imported_once():
    assert import_triton() is import_triton() is sys.modules["triton"]


@pytest.mark.parametrize(
    ("aligned", "expected"), [((), ["height", "pitch"]), (("pitch",), ["height"])]
)
def test_sizes_are_kept_out_of_a_kernel_s_binary(monkeypatch, aligned, expected):
    asked = []

    def jit(**options):
        asked.append(options)
        return lambda function: function

    monkeypatch.setattr(_triton, "triton", SimpleNamespace(jit=jit))

    @kernel_jit(aligned=aligned)
    def kernel(x_ptr, height, pitch, C: int):
        return height

    assert asked == [{"do_not_specialize": expected}]
    assert kernel(None, 3, 4, 5) == 3


def test_sizes_are_divided_and_rounded_up_as_triton_does():
    for size in (0, 1, 2, 15, 16, 17, 2**31, 2**31 + 1):
        assert cdiv(size, 16) == triton.cdiv(size, 16)
        if size:
            assert next_power_of_2(size) == triton.next_power_of_2(size)
