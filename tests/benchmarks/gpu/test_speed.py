"""The benchmark on a GPU runs dry without one, and what it compares is the same."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
import torch

import sr_kernels
from napari_sr import models


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


def test_the_benchmark_on_a_gpu_runs_dry_if_little_is_installed(
    run_dry, tmp_path, random, monkeypatch
):
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")  # compiling for the CPU takes ten seconds
    for place, side in (("HR", 60), ("LR_matlab/x4", 15)):
        pixels = random.integers(0, 256, (side, side, 3))
        write_png(tmp_path / "set" / place / "one.png", pixels)
    options = {"scale": 4, "features": 16, "blocks": 1, "reduction": None}
    network = models.architecture("rfdn").network(**options)
    (tmp_path / "rfdn").mkdir()
    torch.save(network.state_dict(), tmp_path / "rfdn" / "RFDN_AIM.pth")

    printed = run_dry(
        "gpu/speed.py", "--only", "gated_residual", "rfdn", "--write", tmp_path / "found",
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

    read = benchmark("gpu/set5").read_png(tmp_path / "some.png")

    assert np.array_equal(read[0].permute(1, 2, 0).numpy() * 255, pixels)


@pytest.mark.parametrize("bias", [True, False])
def test_a_folded_bsconv_is_the_bsconv_up_to_the_border(benchmark, bias):
    torch.manual_seed(0)
    x, pointwise, between, *rest = sr_kernels.op("bsconv").example(
        (2, 12, 4, 5), torch.float32, torch.device("cpu")
    )
    arguments = (x, pointwise, between if bias else None, *rest)

    folded = benchmark("gpu/folding").folded(sr_kernels.op("bsconv").public)(*arguments)

    expected = sr_kernels.op("bsconv").reference(*arguments)
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-5)


def test_torch_compile_gets_the_references_of_ops(benchmark):
    network = models.architecture("bsrn").network(**models.architecture("bsrn").example).eval()
    graphs = []

    def see(module, inputs):
        graphs.append(module.graph)
        return module.forward

    with benchmark("gpu/speed").references_inlined(), torch.inference_mode():
        torch.compile(network, backend=see, fullgraph=True)(torch.rand(1, 3, 16, 16))

    targets = {str(node.target) for graph in graphs for node in graph.nodes}
    assert not [target for target in targets if "napari_sr" in target]
    assert any("gelu" in target for target in targets)
