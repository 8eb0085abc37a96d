"""Machine code is counted as its words say: loops, memory, matrices, and what fits on a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("triton.knobs", reason="needs the disassembler of Triton 3.4 or newer")

FOLDER = Path(__file__).parents[3] / "benchmarks" / "gpu"
LISTING = """
.text.kernel:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
.L_x_2:
        /*0010*/                   LDG.E.U16 R2, desc[UR4][R4.64] ;
.L_x_0:
        /*0020*/                   LDGSTS.E.BYPASS.LTC128B.128 [R9], desc[UR4][R4.64], P0 ;
        /*0030*/                   LDSM.16.M88.4 R8, [R7] ;
        /*0040*/                   HMMA.16816.F32 R12, R8, R10, R12 ;
        /*0050*/              @!P1 BAR.SYNC.DEFER_BLOCKING 0x0 ;
        /*0060*/               @P0 BRA `(.L_x_0) ;
        /*0070*/              @!P2 BRA `(.L_x_2) ;
        /*0080*/                   STG.E.128 desc[UR4][R4.64], R12 ;
        /*0090*/                   EXIT ;
.L_x_1:
        /*00a0*/                   BRA `(.L_x_1);
        /*00b0*/                   NOP;
"""


@pytest.fixture(scope="module")
def code():
    sys.path.insert(0, str(FOLDER))
    import machine_code

    yield machine_code
    sys.path.remove(str(FOLDER))


def test_the_innermost_loop_is_found(code):
    instructions, loops = code.parsed(LISTING)

    assert [name for name, _ in instructions[2:7]] == [
        "LDGSTS.E.BYPASS.LTC128B.128", "LDSM.16.M88.4", "HMMA.16816.F32",
        "BAR.SYNC.DEFER_BLOCKING", "BRA",
    ]  # fmt: skip
    assert loops == [(2, 7)]


@pytest.mark.parametrize(
    ("name", "costs"),
    [
        ("FFMA.FTZ", {}),
        ("LDGSTS.E.BYPASS.LTC128B.128", {"shared": 4, "fetched": 512}),
        ("LDG.E.U16.CONSTANT", {"loaded": 64}),
        ("LDG.E", {"loaded": 128}),
        ("STG.E.64", {"fetched": 256}),
        ("LDSM.16.MT88.4", {"shared": 4}),
        ("LDSM.16.M88", {"shared": 1}),
        ("STS.U16", {"shared": 1}),
        ("LDS.128", {"shared": 4}),
        ("BAR.SYNC.DEFER_BLOCKING", {"barriers": 1}),
        ("HMMA.16816.F32.BF16", {"matrix": 2 * 16 * 8 * 16}),
        ("HMMA.1688.F32", {"matrix": 2 * 16 * 8 * 8}),
        ("HGMMA.64x64x16.F32", {"wide_matrix": 2 * 64 * 64 * 16 / 4}),
    ],
)
def test_the_cost_of_an_instruction_follows_from_its_text(code, name, costs):
    assert code.count_of((name, "")) == code.Count(instructions=1, **costs)


def test_counts_inside_and_outside_of_the_loop_are_separate(code, monkeypatch):
    monkeypatch.setattr(code, "disassembled", lambda cubin: LISTING)

    loop, rest, registers = code.counted("a key of this test", b"")

    assert (loop.instructions, rest.instructions) == (5, 6)
    assert (loop.barriers, rest.fetched) == (1, 512)
    assert registers == 13


@pytest.mark.parametrize(
    ("registers", "shared", "warps", "programs"),
    [(128, 0, 4, 4), (128, 100_000, 4, 2), (16, 0, 8, 8), (16, 0, 1, 32), (255, 231_000, 8, 1)],
)
def test_resources_limit_the_programs_of_an_sm(code, registers, shared, warps, programs):
    assert code.resident("sm_90", registers, shared, warps) == programs


def test_counts_are_divided_by_the_elements(code):
    loop, rest = code.Count(instructions=100, shared=10), code.Count(instructions=30)
    launch = code.Launch("", loop, rest, turns=4, warps=2, programs=3, resident=1, elements=768)

    assert launch.whole.instructions == 2 * 3 * (4 * 100 + 30)
    # 2 x 3 x 4 turns of 32 threads, for 768 elements
    assert launch.inside.instructions == 100
    assert launch.inside.shared == 10


@pytest.mark.parametrize(("barriers", "over"), [(25, ""), (26, "26 barriers of 25")])
def test_barriers_are_limited_too(code, barriers, over):
    import counted

    loop = code.Count(instructions=1, barriers=barriers)
    launch = code.Launch("", loop, code.Count(), 1, warps=1, programs=1, resident=1, elements=32)

    assert counted.Counted("esa_moments", "sm_90", "", launch).over == over
    assert not counted.Counted("esa_moments", "sm_90", "", launch, first=False).over


def test_the_size_of_the_pooled_plane_follows_from_the_image(code):
    import launching

    assert launching.size_of("esa_low", (180, 320)) == (28, 51)
    assert launching.size_of("esa_low", (5, 7)) == (1, 1)
    assert launching.size_of("bsconv", (180, 320)) == (180, 320)


@pytest.mark.parametrize(
    ("architecture", "instructions", "over"),
    [("sm_90", 35, ""), ("sm_90", 36, "36.0 of 35"), ("sm_80", 36, ""), ("sm_80", 37, "37.0 of")],
)
def test_a_launch_over_its_limit_is_named(code, architecture, instructions, over):
    import counted

    loop = code.Count(instructions=instructions, shared=8)
    launch = code.Launch("", loop, code.Count(), 1, warps=1, programs=1, resident=1, elements=32)

    found = counted.Counted("bsconv 64 to 64", architecture, "320 x 180", launch).over

    assert found.startswith(over)
    assert bool(found) == bool(over)
