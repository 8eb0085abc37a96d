"""The kernels compile well for GPUs that are not here: a sample; `make test-kernels` does all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sr_kernels

pytest.importorskip("triton.knobs", reason="needs Triton 3.4 or newer")

FILE = Path(__file__).parents[3] / "benchmarks" / "gpu" / "compile_gate.py"
SPILLING = """
import sys
import torch
sys.path.insert(0, {folder!r})
import compile_gate
from triton import jit, language as tl

@jit
def spilling(x, y, B: tl.constexpr):
    at = tl.arange(0, B)[:, None] * B + tl.arange(0, B)[None, :]
    block = tl.load(x + at)
    tl.store(y + at, block * tl.sum(block, 0)[None, :] + tl.sum(block, 1)[:, None])

x = torch.zeros(256, 256, dtype=torch.float16)
for architecture, side in (("sm_90", 128), ("gfx942", 256)):
    launch = lambda: spilling[(1,)](x, x, B=side, num_warps=1)
    [compiled] = compile_gate.compiled_by(launch, architecture)
    case = compile_gate.Case("none", architecture, (torch.float16, (1, 128, 1, 128)))
    print(architecture, compile_gate.inspect(case, compiled).faults)
"""


@pytest.fixture(scope="module")
def gate(benchmark):
    return benchmark("gpu/compile_gate")


@pytest.fixture
def bare():
    """Environment of a process in which kernels are compiled, not interpreted."""
    return {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}


def test_a_sample_of_the_kernels_has_no_faults(bare):
    command = [sys.executable, FILE, "--at-most", "4", "--workers", "1"]

    result = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 with faults" in result.stdout


def test_spills_are_found(bare, tmp_path):
    script = tmp_path / "spilling.py"
    script.write_text(SPILLING.format(folder=str(FILE.parent)))

    result = subprocess.run(
        [sys.executable, script], env=bare, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    nvidia, amd = result.stdout.splitlines()
    assert nvidia.startswith("sm_90")
    assert "spills" in nvidia
    assert amd.startswith("gfx942")
    assert "spills" in amd


@pytest.mark.parametrize(
    ("code", "spills"),
    [
        ("REG:32 STACK:0 SHARED:128 LOCAL:0 CONSTANT[0]:416", 0),
        ("REG:255 STACK:16 SHARED:128 LOCAL:0 CONSTANT[0]:416", 4),
        (".vgpr_spill_count: 3", 3),
    ],
)
def test_spills_are_read_from_the_tools_output(gate, code, spills):
    assert gate.spills_in(code) == spills


@pytest.mark.parametrize(
    ("code", "bits"),
    [
        ("@%p1 ld.global.b16 { %rs1 }, [ %rd1 + 0 ];", 16),
        ("ld.global.b32 { %r1 }, [ %rd1 + 0 ];", 32),
        (
            "ld.global.L1::evict_last.v4.b32 { %r1, %r2, %r3, %r4 }, [ %rd1 ];\nld.global.b64 %rd2",
            128,
        ),
        ("cp.async.ca.shared.global [ %r1 + 0 ], [ %rd1 + 0 ], 0x8, %r2;", 64),
        ("cp.async.cg.shared.global [ %r1 + 0 ], [ %rd1 + 0 ], 0x10, %r2;", 128),
        ("buffer_load_dwordx4 v[2:5], v11, s[12:15], 0 offen", 128),
        ("global_load_ushort v2, v[0:1], off", 16),
        ("st.global.v4.b32 [ %rd1 ], { %r1, %r2, %r3, %r4 };", 0),
    ],
)
def test_the_widest_load_is_read_from_the_code(gate, code, bits):
    assert gate.widest_load(code) == bits


def row_of(gate, **changes):
    case = gate.Case("bsconv", "sm_86", ("float16", (1, 64, 37, 53)))
    good = {
        "case": case, "kernel": "_kernel", "warps": 4, "stages": 2, "registers": 128, "spills": 0,
        "shared": 101_376, "matrix": "mma.sync", "load": 128, "wants_matrix": True,
        "wants_wide": True,
    }  # fmt: skip
    return gate.Row(**(good | changes))


def test_good_machine_code_has_no_faults(gate):
    assert row_of(gate).faults == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"spills": 3}, "3 spills"),
        ({"shared": 101_377}, "more than 101376 B of shared memory"),
        ({"matrix": "-"}, "no matrix instructions"),
        ({"load": 64}, "loads of 64 bits"),
    ],
)
def test_bad_machine_code_is_named(gate, changes, fault):
    assert row_of(gate, **changes).faults == [fault]


def test_a_sample_has_every_op_and_every_architecture(gate):
    found = gate.cases(len(sr_kernels.names()))

    assert {case.architecture for case in found} == set(gate.SHARED_LIMITS)
    assert {case.op for case in found} == set(sr_kernels.names())
