"""Launch options are tried, judged and kept as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import sr_kernels


def test_tuning_runs_dry_if_little_is_installed(run_dry, tmp_path):
    held = json.loads((Path(sr_kernels.__file__).parent / "configurations.json").read_text())

    printed = run_dry(
        "gpu/tune.py", "--only", "gated_residual", "--widths", "48", "--most", "1",
        "--write", tmp_path / "found.json",
    )  # fmt: skip

    found = json.loads((tmp_path / "found.json").read_text())
    found.pop("dry", None)  # by the clock, there may be an entry or none
    assert found == held
    assert "| gated_residual | 48 | 1 | {'BLOCK': 2048, 'num_warps': 4} |" in printed


def test_an_op_is_launched_with_the_candidate(benchmark):
    device = benchmark("gpu/timing").DEVICE
    launched_with = benchmark("gpu/launching").launched_with
    op = sr_kernels.op("gated_residual")
    arguments = op.example((1, 48, 3, 5), torch.float16, device)

    with launched_with("gated_residual", {"BLOCK": 16}) as seen:
        op.launch(*arguments)
    with launched_with("gated_residual", {"BLOCK": 17}), pytest.raises(Exception, match="power"):
        op.launch(*arguments)

    assert seen == {"gated_residual": {"BLOCK": 2048, "num_warps": 4}}
    op.launch(*arguments)  # as before


def test_candidates_are_around_the_present_options(benchmark):
    choices_of = benchmark("gpu/tune").choices_of

    assert choices_of("BLOCK", 32) == (16, 32, 64, 128)
    assert choices_of("BLOCK", 2) == (2, 4, 8)
    assert choices_of("ROWS", 4) == (1, 2, 4, 8, 16)
    assert choices_of("num_warps", 16) == (1, 2, 4, 8, 16)


def test_every_op_that_has_options_can_be_tuned(benchmark):
    tune, sources = benchmark("gpu/tune"), Path(sr_kernels.__file__).parent

    found = {name for name in sr_kernels.names() if tune.options_of(name, tune.Widths(8))}

    asking = {name for name in sr_kernels.names()
              if "configuration(" in (sources / f"{name}.py").read_text()}  # fmt: skip
    assert found == asking | {"esa_mix", "esa_moments", "esa_tail"}  # these ask in `_esa`


def test_only_better_options_are_added_to_other_entries(benchmark, tmp_path):
    tune = benchmark("gpu/tune")
    present = {"BLOCK": 32, "num_warps": 4}
    better = tune.Trial(
        "bsconv", tune.Widths(64), present, best={"BLOCK": 64, "num_warps": 8}, share=0.9
    )
    equal = tune.Trial(
        "bsconv", tune.Widths(48), present, best={"BLOCK": 16, "num_warps": 4}, share=0.98
    )

    tune.write([better, equal], tmp_path / "found.json")

    found = json.loads((tmp_path / "found.json").read_text())
    here = tune._configuration.architecture(tune.DEVICE) or "dry"
    assert found[here]["bsconv/64"] == {"BLOCK": 64, "num_warps": 8}
    assert "bsconv/48" not in found[here]
    assert found["gfx942"]


def test_a_pair_of_widths_is_tuned_separately(benchmark, tmp_path):
    tune = benchmark("gpu/tune")
    pair = tune.Widths.of("8-20")
    trial = tune.Trial("bsconv", pair, {"BLOCK": 16}, best={"BLOCK": 32}, share=0.9)

    result, *_ = tune.Place(trial, (3, 5)).results({})
    tune.write([trial], tmp_path / "found.json")

    assert result.shape == (1, 20, 3, 5)
    assert "bsconv/8-20" in (tmp_path / "found.json").read_text()
    assert pair.suits("conv3x3")
    assert not pair.suits("gated_residual")


@pytest.mark.parametrize("op", ["bsconv", "conv3x3", "pointwise_sum"])
def test_an_op_may_have_another_output_width(benchmark, op):
    timing = benchmark("gpu/timing")

    arguments = timing.op_arguments(op, timing.Widths(8, 20), (3, 5))

    assert sr_kernels.op(op).reference(*arguments).shape == (1, 20, 3, 5)


def test_a_wrong_candidate_is_not_timed(benchmark, monkeypatch):
    tune = benchmark("gpu/tune")
    trial = tune.Trial("gated_residual", tune.Widths(8), {"BLOCK": 64}, candidates=[{"BLOCK": 16}])
    monkeypatch.setattr(tune.Place, "agrees", lambda self, candidate: False)

    tune.run(trial, deadline=float("inf"))

    assert (trial.best, trial.notes) == ({}, ["{'BLOCK': 16}: WRONG"])


def test_other_results_are_not_the_present_ones(benchmark):
    tune = benchmark("gpu/tune")
    place = tune.Place(tune.Trial("gated_residual", tune.Widths(8), {"BLOCK": 64}), (3, 5))

    assert place.agrees({"BLOCK": 16})
    place.expected[0][0, 0, 0, 0] += 0.1
    assert not place.agrees({"BLOCK": 16})
