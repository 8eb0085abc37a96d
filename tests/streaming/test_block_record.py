"""The record of a run by blocks, before and after it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from fakes import Nearest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.block_size import usual_grid
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.recorded import Recorded
from napari_sr.streaming.block_record import block_record
from napari_sr.streaming.engine import fixed_settings
from napari_sr.streaming.report import Report
from napari_sr.streaming.run import run_on


@pytest.fixture
def run():
    image = np.arange(200 * 200, dtype=np.uint16).reshape(200, 200)
    network = Nearest(radius=2)
    network.provenance = {"model": "bicubic-x2", "scale": 2, "sha256": "12"}
    settings = Settings(value_range=Percentiles(0, 100))
    grid = usual_grid(layout_of(image.shape, image.dtype), network, settings, (64, 64))
    return fixed_settings(run_on(image, grid, network, settings))


def test_all_that_was_open_is_decided(run):
    found = Recorded.of(block_record(run))

    assert found.block == (64, 64)
    assert found.settings.value_range == (0.0, 39999.0)
    assert (found.settings.device, found.settings.precision) == ("cpu", "float32")
    assert found.settings.tile == run.settings.tile > 0
    assert found.settings.border == "reflect"


def test_the_border_is_that_of_the_blocks(run):
    alone = replace(run, reader=replace(run.reader, grid=replace(run.reader.grid, border=0)))

    assert block_record(alone)["settings"]["border"] == "zeros"


def test_the_end_of_a_run_adds_engine_and_notes(run):
    report = Report(notes=["slow"], engine="openvino", engines=["openvino", "torch"])

    record = block_record(run, report)

    assert record["settings"]["engine"] == "openvino"
    assert record["engine"] == {"name": "openvino", "used": ["openvino", "torch"]}
    assert record["notes"] == ["slow"]
    assert "notes" not in block_record(run)


CODE = """
import sys
from napari_sr.cli.app import main
sys.argv = ["", "upscale", "source.tif", "result.zarr", "--model", "bicubic-x2", "--device", "cpu"]
try:
    main()
finally:
    print(*sys.modules)
"""


@pytest.mark.needs("zarr")
def test_a_command_that_writes_by_blocks_imports_neither_dask_nor_torch_compile(tmp_path, random):
    tifffile.imwrite(tmp_path / "source.tif", random.integers(0, 99, (70, 80), np.uint8))

    ended = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    loaded = ended.stdout.split()
    assert "zarr" in loaded
    assert (tmp_path / "result.zarr" / "zarr.json").exists()
    assert {"dask.array", "torch._dynamo"}.isdisjoint(loaded)
