"""The script for the first minutes on a GPU runs dry where little is installed, and loses nothing.

Its parts that are slow without a GPU (compile, tests, table, tune, compiled) call scripts that
the tests in gpu/ run; `make test-kernels` rehearses all of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "first_gpu.py"
ABSENT = ("napari", "qtpy", "PyQt6", "PySide6", "pooch", "pydantic", "platformdirs", "magicgui")
"""What the machine with a GPU lacks."""
WITHOUT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("first_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["first_gpu"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["first_gpu"]


@pytest.fixture
def run(script, tmp_path):
    return script.Run(tmp_path, dry=True, deadline=time.monotonic() + 60, sizes=["20x15"])


def test_the_parts_run_dry_without_missing_packages(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WITHOUT)  # every process imports it
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, SCRIPT, "--dry", "--write", tmp_path / "found", "--commit", "abc123"]

    ran = subprocess.run(
        [*command, "--only", "facts", "run", "train", "ncu"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {
        part: json.loads((tmp_path / "found" / f"{part}.json").read_text())
        for part in ("facts", "run", "train", "ncu")
    }
    assert found["facts"]["commit"] == "abc123"
    assert {"torch", "triton", "device", "date"} <= set(found["facts"])
    assert found["run"]["bsrn, RGBA"]["difference, share of the range"] <= 1e-5
    assert found["run"]["fsrcnn, grey"]["code"] == 0
    assert found["run"]["bsrn in stages"]["difference, tiles of 20 px"] <= 1e-6
    assert len(found["train"]["losses"]) == 3
    assert found["train"]["milliseconds a step"] > 0
    summary = (tmp_path / "found" / "first_gpu.md").read_text()
    assert all(f"## {part}" in summary for part in found)


def test_a_part_that_fails_or_hangs_does_not_affect_others(run):
    ran = run.call_all(
        {
            "fails": ["-c", "raise SystemExit('no such device')"],
            "hangs": ["-c", "print('began', flush=True); import time; time.sleep(60)"],
            "works": ["-c", "print('done')"],
        },
        seconds=1.5,
        workers=3,
    )

    summaries = {name: each.summary for name, each in ran.items()}
    assert (summaries["fails"]["code"], summaries["fails"]["said"]) == (1, "no such device")
    assert summaries["hangs"]["code"] is None
    assert summaries["hangs"]["said"] == "began"
    assert summaries["hangs"]["seconds"] < 30
    assert (summaries["works"]["code"], summaries["works"]["said"]) == (0, "")


def test_a_part_without_an_answer_is_wrong_and_kept(script, run):
    ran = script.Ran(1, 0.5, "Traceback\nRuntimeError: CUDA error")
    run.keep("run", script._last_json(ran), ran.output)

    assert script.wrong(run.found)
    assert "RuntimeError: CUDA error" in (run.folder / "first_gpu.md").read_text()
    assert (run.folder / "run.log").read_text() == ran.output


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"facts": {"code": 0, "device": "H100"}}, False),
        ({"tests": {"bsconv": {"code": 0}, "esa_mix": {"code": 1}}}, True),
        ({"tests": {"bsconv": {"code": None}}}, True),
        ({"run": {"bsrn, RGB": {"code": 0, "notes": ["far outside"]}, "code": 0}}, False),
    ],
)
def test_anything_that_failed_or_ran_out_of_time_is_wrong(script, found, expected):
    assert script.wrong(found) is expected


def test_the_slowest_ops_compared_with_their_floors_are_tuned(script, tmp_path):
    run = script.Run(tmp_path, dry=False, deadline=time.monotonic() + 60, sizes=[])
    assert script.furthest(run)[0] == "bsconv"

    def row(name, milliseconds, is_op=True):
        times = {"eager": 0.1, "ours": milliseconds, "ours, graph": 2 * milliseconds}
        return {"name": name, "is_op": is_op, "bytes": 3e9, "milliseconds": times}

    rows = [row("bsconv", 2), row("esa_mix", 8), row("conv3x3", 5), row("esa_pool", 4)]
    rows += [row("bsrn", 90, is_op=False), row("bsconv, no bias between", 50)]
    whole = {"ceilings": {"GB/s": 3000}, "results": rows}
    (tmp_path / "gpu.json").write_text(json.dumps(whole))

    assert script.furthest(run) == ["esa_mix", "conv3x3", "esa_pool"]


def test_nothing_starts_after_the_last_minute(script, tmp_path):
    run = script.Run(tmp_path, dry=True, deadline=time.monotonic() - 1, sizes=["20x15"])

    ran = run.call(["-c", "import time; time.sleep(30)"], 30)

    assert ran.code is None
    assert ran.seconds < 5


def test_the_tests_that_run_on_a_gpu_exist(script, run, monkeypatch):
    monkeypatch.setattr(run, "dry", False)
    monkeypatch.setattr(run, "call_all", lambda commands, *_: wanted.update(commands) or {})
    wanted = {}

    script.tests(run)

    paths = [each for command in wanted.values() for each in command if isinstance(each, Path)]
    assert [path for path in paths if not path.exists()] == []
