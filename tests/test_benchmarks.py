"""The benchmarks that wait for a GPU run dry without one, and what they compare is the same."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import sr_kernels
from napari_sr import models

FOLDER = Path(__file__).parents[1] / "benchmarks"
ABSENT = ("napari", "qtpy", "PyQt6", "PySide6", "pooch", "psutil", "PIL", "skimage", "tifffile")
"""What the machine with a GPU lacks."""
WITHOUT = f"""
import os, runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))  # as for any script
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_dry(script, *arguments):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WITHOUT, str(FOLDER / script), *map(str, arguments)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def benchmark(monkeypatch):
    """Import a file of the folder, and forget it afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield __import__
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


def write_png(path, pixels):
    """Write (H, W, 3) with every kind of prediction that PNG knows, line by line."""
    height, width, _ = pixels.shape
    padded = np.zeros((height + 1, width + 1, 3), np.int64)
    padded[1:, 1:] = pixels
    lines = b""
    for y in range(1, height + 1):
        left, up, corner = padded[y, :-1], padded[y - 1, 1:], padded[y - 1, :-1]
        far = [np.abs(left + up - corner - each) for each in (left, up, corner)]
        nearest = np.choose(np.argmin(far, axis=0), [left, up, corner])
        guess = [0, left, up, (left + up) // 2, nearest][y % 5]
        lines += bytes([y % 5]) + ((pixels[y - 1] - guess) % 256).astype(np.uint8).tobytes()
    data = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_the_benchmark_on_a_gpu_runs_dry_where_little_is_installed(tmp_path, random):
    for place, side in (("HR", 60), ("LR_matlab/x4", 15)):
        pixels = random.integers(0, 256, (side, side, 3))
        write_png(tmp_path / "set" / place / "one.png", pixels)
    options = {"scale": 4, "features": 16, "blocks": 1, "reduction": None}
    network = models.architecture("rfdn").network(**options)
    (tmp_path / "rfdn").mkdir()
    torch.save(network.state_dict(), tmp_path / "rfdn" / "RFDN_AIM.pth")

    printed = run_dry(
        "gpu.py", "--only", "gated_residual", "rfdn", "--write", tmp_path / "found",
        "--set5", tmp_path / "set", "--weights", tmp_path,
    )  # fmt: skip

    found = json.loads((tmp_path / "found.json").read_text())
    assert (tmp_path / "found.md").read_text() + "\n" == printed
    op, whole = found["results"]
    assert [op["name"], whole["name"]] == ["gated_residual", "rfdn"]
    for result in (op, whole):
        assert {"eager", "ours", "ours, graph", "compiled"} <= set(result["milliseconds"])
        assert 0 < result["error"] <= 1
    assert whole["launched"]
    assert found["PSNR"]["rfdn"]["float16"] == pytest.approx(
        found["PSNR"]["rfdn"]["float32"], abs=0.1
    )
    assert "bsrn x4, 320 x 180: times faster than eager | >= 8 | - | not measured" in printed


def test_png_files_are_read_as_they_were_written(benchmark, tmp_path, random):
    pixels = random.integers(0, 256, (11, 7, 3))
    write_png(tmp_path / "some.png", pixels)

    read = benchmark("set5").read_png(tmp_path / "some.png")

    assert np.array_equal(read[0].permute(1, 2, 0).numpy() * 255, pixels)


@pytest.mark.parametrize("bias", [True, False])
def test_a_folded_bsconv_is_the_bsconv_up_to_the_border(benchmark, bias):
    torch.manual_seed(0)
    x, pointwise, between, *rest = sr_kernels.op("bsconv").example(
        (2, 12, 4, 5), torch.float32, torch.device("cpu")
    )
    arguments = (x, pointwise, between if bias else None, *rest)

    folded = benchmark("folding").folded(sr_kernels.op("bsconv").public)(*arguments)

    expected = sr_kernels.op("bsconv").reference(*arguments)
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-5)


def test_the_compiler_sees_through_the_ops_that_it_is_compared_with(benchmark):
    network = models.architecture("bsrn").network(**models.architecture("bsrn").example).eval()
    graphs = []

    def see(module, inputs):
        graphs.append(module.graph)
        return module.forward

    with benchmark("gpu").references_inlined(), torch.inference_mode():
        torch.compile(network, backend=see, fullgraph=True)(torch.rand(1, 3, 16, 16))

    targets = {str(node.target) for graph in graphs for node in graph.nodes}
    assert not [target for target in targets if "napari_sr" in target]
    assert any("gelu" in target for target in targets)


@pytest.mark.parametrize(
    ("found", "verdict"), [(9.0, "reached"), (5.0, "NOT REACHED"), (None, "not measured")]
)
def test_a_target_is_reached_or_not_or_unknown(benchmark, found, verdict):
    targets = benchmark("targets")
    result = targets.Result("bsrn", targets.SMALL, 0.5, is_op=False)
    if found:
        result.milliseconds = {"eager": found, "ours": 2.0, "ours, graph": 1.0}

    first, *_ = targets.targets([result], {}, {})

    assert (first.what, first.found) == ("bsrn x4, 320 x 180: times faster than eager", found)
    assert first.verdict == verdict


def test_bsrn_s_is_to_win_by_what_its_operations_promise(benchmark):
    targets = benchmark("targets")
    with torch.device("meta"):
        networks = {name: models.architecture(name).network(scale=4) for name in ("rfdn", "imdn")}
        networks |= {"rlfn": benchmark("rlfn").RLFN()}
        ours = models.architecture("bsrn_s").network(scale=4)

    def operations(network):
        with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, 3, 180, 320))
        return counter.get_total_flops()

    promised = {name: operations(each) / operations(ours) for name, each in networks.items()}
    assert promised == pytest.approx(targets.RIVALS, rel=0.005)


def test_an_op_that_moves_next_to_nothing_has_no_floor_to_reach(benchmark):
    targets = benchmark("targets")
    ceilings = {"GB/s": 1000.0, "TFLOP/s": 100.0}
    large = targets.Result("bsconv", targets.LARGE, 0.5, is_op=True, bytes=10**9)
    small = targets.Result("contrast_gate", targets.LARGE, 0.5, is_op=True, bytes=10**3)
    for result in (large, small):
        result.milliseconds = {"ours": 2.0}

    found = targets.targets([large, small], ceilings, {})

    shares = {target.what: target.found for target in found if "floor" in target.what}
    assert shares == {"bsconv, 2048 x 2048: share of its floor": pytest.approx(0.5)}


def test_less_is_better_where_a_target_is_a_limit(benchmark):
    targets = benchmark("targets")
    values = {"bsrn": {"float32": 32.35, "float16": 32.30}}

    *_, last = targets.targets([], {}, values)

    assert last.found == pytest.approx(0.05)
    assert last.verdict == "NOT REACHED"


def test_tuning_runs_dry_where_little_is_installed(tmp_path):
    held = json.loads((Path(sr_kernels.__file__).parent / "configurations.json").read_text())

    printed = run_dry(
        "tune.py", "--only", "gated_residual", "--widths", "48", "--most", "1",
        "--write", tmp_path / "found.json",
    )  # fmt: skip

    found = json.loads((tmp_path / "found.json").read_text())
    found.pop("dry", None)  # by the clock, there may be an entry or none
    assert found == held
    assert "| gated_residual | 48 | 1 | {'BLOCK': 2048, 'num_warps': 4} |" in printed


def test_an_op_is_launched_with_what_is_tried(benchmark):
    device = benchmark("timing").DEVICE
    launched_with = benchmark("launching").launched_with
    op = sr_kernels.op("gated_residual")
    arguments = op.example((1, 48, 3, 5), torch.float16, device)

    with launched_with("gated_residual", {"BLOCK": 16}) as seen:
        op.launch(*arguments)
    with launched_with("gated_residual", {"BLOCK": 17}), pytest.raises(Exception, match="power"):
        op.launch(*arguments)

    assert seen == {"gated_residual": {"BLOCK": 2048, "num_warps": 4}}
    op.launch(*arguments)  # as before


def test_candidates_lie_around_the_present_options(benchmark):
    choices_of = benchmark("tune").choices_of

    assert choices_of("BLOCK", 32) == (16, 32, 64, 128)
    assert choices_of("BLOCK", 2) == (2, 4, 8)
    assert choices_of("ROWS", 4) == (1, 2, 4, 8, 16)
    assert choices_of("num_warps", 16) == (1, 2, 4, 8, 16)


def test_every_op_that_has_options_can_be_tuned(benchmark):
    tune, sources = benchmark("tune"), Path(sr_kernels.__file__).parent

    found = {name for name in sr_kernels.names() if tune.options_of(name, tune.Widths(8))}

    asking = {name for name in sr_kernels.names()
              if "configuration(" in (sources / f"{name}.py").read_text()}  # fmt: skip
    assert found == asking | {"esa_mix", "esa_moments", "esa_tail"}  # these ask in `_esa`


def test_only_what_is_worth_it_is_kept_beside_other_entries(benchmark, tmp_path):
    tune = benchmark("tune")
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


def test_a_pair_of_widths_is_tuned_apart(benchmark, tmp_path):
    tune = benchmark("tune")
    pair = tune.Widths.of("8-20")
    trial = tune.Trial("bsconv", pair, {"BLOCK": 16}, best={"BLOCK": 32}, share=0.9)

    result, *_ = tune.Place(trial, (3, 5)).results({})
    tune.write([trial], tmp_path / "found.json")

    assert result.shape == (1, 20, 3, 5)
    assert "bsconv/8-20" in (tmp_path / "found.json").read_text()
    assert pair.suits("conv3x3")
    assert not pair.suits("gated_residual")


@pytest.mark.parametrize("op", ["bsconv", "conv3x3", "pointwise_sum"])
def test_other_widths_come_out_of_an_op(benchmark, op):
    timing = benchmark("timing")

    arguments = timing.op_arguments(op, timing.Widths(8, 20), (3, 5))

    assert sr_kernels.op(op).reference(*arguments).shape == (1, 20, 3, 5)


def test_a_wrong_candidate_gets_no_time(benchmark, monkeypatch):
    tune = benchmark("tune")
    trial = tune.Trial("gated_residual", tune.Widths(8), {"BLOCK": 64}, candidates=[{"BLOCK": 16}])
    monkeypatch.setattr(tune.Place, "agrees", lambda self, candidate: False)

    tune.run(trial, deadline=float("inf"))

    assert (trial.best, trial.notes) == ({}, ["{'BLOCK': 16}: WRONG"])


def test_other_results_are_not_the_present_ones(benchmark):
    tune = benchmark("tune")
    place = tune.Place(tune.Trial("gated_residual", tune.Widths(8), {"BLOCK": 64}), (3, 5))

    assert place.agrees({"BLOCK": 16})
    place.expected[0][0, 0, 0, 0] += 0.1
    assert not place.agrees({"BLOCK": 16})


@torch.inference_mode()
def directly(image, network):
    """Upscale without the engine, which would come to the same."""
    return network(image.float())


@pytest.mark.parametrize(
    ("file", "scale"),
    [
        ("fsrcnn/fsrcnn_x2.npz", 2),
        ("fsrcnn/fsrcnn_x4.npz", 4),
        ("srcnn/official_915_91_x4.mat", 4),
        ("rfdn/RFDN_AIM.pth", 4),
    ],
)
def test_what_others_measured_on_set5_is_measured_here(benchmark, shared, file, scale):
    published = benchmark("psnr_published")
    (check,) = (one for one in published.CHECKS if (one.file, one.scale) == (file, scale))
    network = published.load(check, shared / "weights")

    pairs = published.ImageSet(shared / "data/Set5").pairs(scale)
    values = [published.judged(pair, network, check.way, directly) for pair in pairs]

    psnr, ssim = check.found["Set5"]
    assert np.mean(values, axis=0)[0] == pytest.approx(psnr, abs=published.ENOUGH)
    assert np.mean(values, axis=0)[1] == pytest.approx(ssim, abs=3e-4)


def test_quarters_of_an_image_are_laid_back_in_their_places(benchmark, monkeypatch):
    published = benchmark("psnr_published")
    monkeypatch.setattr(published, "LARGEST", 1500)
    monkeypatch.setattr(published, "whole", directly)
    network = models.architecture("fsrcnn").network(**models.architecture("fsrcnn").example).eval()
    image = torch.rand(1, 1, 71, 50)

    quarters, whole = published.in_quarters(image, network), directly(image, network)

    # the overlap is wider than what the network sees
    torch.testing.assert_close(quarters, whole, rtol=0, atol=1e-6)


def test_a_machine_without_git_measures_too(benchmark, monkeypatch, tmp_path):
    of = benchmark("commit")

    monkeypatch.setenv("PATH", str(tmp_path))
    assert of.commit() == "unknown"


def test_a_tree_outside_a_clone_measures_too(benchmark, monkeypatch, tmp_path):
    of = benchmark("commit")

    monkeypatch.setattr(of, "ROOT", tmp_path)
    assert of.commit() == "unknown"


def test_a_border_is_measured_against_the_middle(benchmark):
    border = benchmark("border")

    off, reach = border.measure("fsrcnn-x4", 0.0)

    assert (f"{off:.1f}", reach) == ("9.5", 3)  # as docs/tiling.md says
    assert border.measure("bicubic-x2", 1.0)[1] == 0
