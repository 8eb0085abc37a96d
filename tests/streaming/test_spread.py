"""Mean and spread of eight views, block by block into two files."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

import napari_sr
from napari_sr.engine.planning import block_size
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.run import drive
from napari_sr.streaming import spread
from napari_sr.streaming.spread import SpreadFiles, write_with_spread

pytestmark = pytest.mark.needs("zarr")


@pytest.fixture
def run(tmp_path, example, monkeypatch):
    """Return a function that writes result and spread of pixels in a file, in blocks of 32 px."""
    monkeypatch.setattr(block_size, "SIDES", (32,))

    def write(pixels, name="fsrcnn", suffix=".ome.tif", **metadata):
        source = tmp_path / "in.ome.tif"
        tifffile.imwrite(source, pixels, metadata={"axes": "YX", **metadata})
        files = SpreadFiles(*(tmp_path / f"{one}{suffix}" for one in ("out", "map")))
        network = example(name)
        network.provenance = {"model": "made", "sha256": "0" * 64}
        steps = write_with_spread(open_lazy(source), source, network, Settings(device="cpu"), files)
        record = drive(steps)
        return SimpleNamespace(files=files, network=network, record=record, folder=tmp_path)

    return write


@pytest.mark.parametrize("name", ["fsrcnn", "imdn"])  # imdn has global values: blocks are planes
@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_blocks_have_the_bits_of_out_and_the_values_of_the_map_in_memory(run, random, name, suffix):
    pixels = random.integers(0, 65536, (70, 45)).astype(np.uint16)

    done = run(pixels, name, suffix, PhysicalSizeX=0.5, PhysicalSizeY=0.25)

    result, found = open_lazy(done.files.result), open_lazy(done.files.spread)
    out = np.empty((140, 90), np.uint16), np.empty((140, 90), np.float32)
    napari_sr.uncertainty(pixels, done.network, device="cpu", engine="torch", out=out)
    np.testing.assert_array_equal(result.pixels[:], out[0])
    np.testing.assert_array_equal(found.pixels[:], out[1])
    whole = napari_sr.uncertainty(pixels, done.network, device="cpu", engine="torch")
    np.testing.assert_allclose(result.pixels[:], whole.result, atol=1)  # rounded once
    np.testing.assert_allclose(found.pixels[:], whole.spread, atol=65535 * 1e-6)
    assert result.places["Y"].size == found.places["Y"].size == 0.125
    assert done.record["ensemble"] is True
    assert {one.name for one in done.folder.iterdir()} == {
        "in.ome.tif", f"out{suffix}", f"map{suffix}"
    }  # fmt: skip


def test_values_beyond_the_bits_of_the_file_become_white(run):
    pixels = np.where(np.arange(40) % 8 < 4, 0, 255).astype(np.uint16) * np.ones((40, 1), "u2")

    done = run(pixels, SignificantBits=8)

    assert open_lazy(done.files.result).pixels[:].max() <= 255


def test_nothing_is_left_after_an_error(run, tmp_path, monkeypatch):
    def broken(*_):
        raise FileError("the disk is full")

    monkeypatch.setattr(spread, "write_block", broken)

    with pytest.raises(FileError, match="the disk is full"):
        run(np.zeros((40, 40), np.uint16))
    assert [one.name for one in tmp_path.iterdir()] == ["in.ome.tif"]


def test_a_folder_is_not_replaced(run, tmp_path):
    (tmp_path / "map.ome.zarr").mkdir()
    (tmp_path / "map.ome.zarr" / "notes.txt").write_text("mine")

    with pytest.raises(FileError, match=r"map\.ome\.zarr exists"):
        run(np.zeros((40, 40), np.uint16), suffix=".ome.zarr")
    assert (tmp_path / "map.ome.zarr" / "notes.txt").read_text() == "mine"
