"""A stack in a file is enlarged along Z block by block, at its place; failures leave nothing."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

import napari_sr
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.axial import Axial
from napari_sr.runs.run import drive
from napari_sr.streaming import axial_file
from napari_sr.streaming.axial_file import write_along_z
from napari_sr.streaming.part import part_of

CPU = Settings(device="cpu", engine="torch")


@pytest.fixture
def source(tmp_path, random):
    """Write an OME-Zarr: 2 times, 3 planes, with an origin along Z."""
    path = tmp_path / "in.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=random.integers(0, 255, (2, 3, 44, 140)).astype(np.uint8))
    axes = [{"name": "t", "type": "time"}]
    axes += [{"name": one, "type": "space", "unit": "micrometer"} for one in "zyx"]
    steps = [
        {"type": "scale", "scale": [1, 0.8, 0.2, 0.2]},
        {"type": "translation", "translation": [0, 7, 3, 2]},
    ]
    levels = [{"path": "0", "coordinateTransformations": steps}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    return path


def write(source, target, factor, region=None, block=None):
    part = part_of(open_lazy(source), None, region)
    network = napari_sr.load("fsrcnn", 2)
    return drive(write_along_z(part, source, network, CPU, Axial(factor), target, block=block))


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
@pytest.mark.parametrize("region", [None, ((10, 40), (20, 70))])
def test_blocks_give_the_stack_in_memory_at_its_place(source, tmp_path, name, region):
    record = write(source, tmp_path / name, 4, region, (64, 64))

    found = open_lazy(tmp_path / name)
    pixels = open_lazy(source).pixels[:]
    expected = napari_sr.upscale(
        pixels, "fsrcnn", 2, axes="TZYX", axial=4, region=region, device="cpu", engine="torch"
    )
    np.testing.assert_allclose(found.pixels[:].astype(int), expected.astype(int), atol=1)
    assert np.mean(found.pixels[:] != expected) < 1e-3
    top, left = (0, 0) if region is None else (10, 20)
    first = {"Z": 7 - 0.4 + 0.1, "Y": 3 + 0.2 * top - 0.05, "X": 2 + 0.2 * left - 0.05}
    assert {one: found.places[one].origin for one in "ZYX"} == pytest.approx(first)
    assert [found.places[one].size for one in "ZYX"] == pytest.approx([0.2, 0.1, 0.1])
    assert record["axial"] == 4
    assert (found.record or record)["axial_by"] == "interpolation"


def test_nothing_remains_if_writing_fails(source, tmp_path, monkeypatch):
    def fail(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(axial_file, "write_block", fail)
    with pytest.raises(ValueError, match="nothing is kept, because a run with --axial"):
        write(source, tmp_path / "out.ome.tif", 2)
    assert [one.name for one in tmp_path.iterdir()] == ["in.zarr"]
