"""Two runs of speed.py: slower rows are found, and scatter is not called a change."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest


@pytest.fixture
def compare(benchmark):
    return benchmark("gpu/compare")


@pytest.fixture
def compared(compare, tmp_path, monkeypatch, capsys):
    """Return a function that compares runs with one row each, and returns code and output."""

    def run(old, new, *, eager=(2.0, 2.0), error=0.5, **other):
        paths = [tmp_path / "before.json", tmp_path / "after.json"]
        for path, ours, plain, more in zip(paths, (old, new), eager, ({}, other), strict=True):
            times = {"eager": plain, "ours": ours, "ours, graph": 9.0}
            row = compare.Result("bsconv", (180, 320), error, True, times)
            known = {"device": "H100", "torch": "2.13", "triton": "3.7", **more}
            path.write_text(json.dumps({**known, "results": [asdict(row)]}))
        monkeypatch.setattr("sys.argv", ["compare.py", *map(str, paths)])
        return compare.main(), capsys.readouterr().out

    return run


def test_a_slower_kernel_is_found(compared):
    code, told = compared(1.0, 1.1)

    assert code == 1
    assert "| bsconv | 320 x 180 | 1.000 | 1.100 | 1.10 | slower |" in told


def test_a_faster_kernel_is_no_failure(compared):
    code, told = compared(1.0, 0.9)

    assert code == 0
    assert "| 0.90 | faster |" in told


def test_a_change_within_the_machine_s_scatter_is_none(compared):
    code, told = compared(1.0, 1.1, eager=(2.0, 2.12))

    assert code == 0
    assert "plain PyTorch scatters by 6.0%" in told
    assert "slower" not in told


def test_a_wrong_result_is_not_compared(compared):
    code, told = compared(1.0, 0.5, error=1.5)

    assert code == 1
    assert "| - | - | - | WRONG |" in told


def test_runs_of_different_devices_are_not_compared(compared):
    code, told = compared(1.0, 1.0, device="A100")

    assert code == 1
    assert "different device are not comparable: H100 and A100" in told
