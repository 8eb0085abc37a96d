"""Layers upscaled into a folder, without a window."""

from __future__ import annotations

from contextlib import closing

import dask.array
import numpy as np
import pytest
import zarr
from fakes import Nearest
from forms import Failing

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.block_size import make_grid
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.read import open_ome_zarr
from napari_sr.files.ome_zarr.write import open_writer
from napari_sr.files.stored_record import stored_record
from napari_sr.runs.job import Step, UpscaleError
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import for_file
from napari_sr.runs.source import Source
from napari_sr.streaming import layer
from napari_sr.streaming.layer import GrowingImage, nearest_first, run_layer
from napari_sr.streaming.layer_request import LayerRequest

pytestmark = pytest.mark.needs("zarr")


@pytest.fixture
def task(tmp_path, loader, small_blocks):
    """Return a function that returns a request for an array."""

    def make(data, axes="YX", **changes):
        source = Source("cells", data, tuple(data.shape), axes, axes.endswith("S"))
        places = {"Y": Axis(0.5, -0.25, "micrometer"), "X": Axis(0.5, -0.25, "micrometer")}
        asked = {
            "source": source,
            "folder": tmp_path / "cells.ome.zarr",
            "model": ModelReference("fsrcnn-x2"),
            "settings": Settings(device="cpu", tile=40),
            "axes": axes,
            "places": places,
            "name": "cells [x2]",
        }
        return LayerRequest(**{**asked, **changes})

    return make


def run(request):
    """Return all steps, the growing image and the record."""
    steps, images = [], []
    generator = run_layer(request)
    try:
        while True:
            step = next(generator)
            (steps if isinstance(step, Step) else images).append(step)
    except StopIteration as end:
        return steps, images, end.value


@pytest.mark.parametrize("kind", [np.asarray, dask.array.from_array, zarr.array])
def test_the_folder_holds_result_place_and_record(task, random, kind):
    pixels = random.integers(0, 255, (2, 100, 90), np.uint8)

    steps, (image,), record = run(task(kind(pixels), "ZYX"))

    found = open_ome_zarr(image.folder)
    np.testing.assert_array_equal(found.pixels[:], pixels.repeat(2, 1).repeat(2, 2))
    assert found.name == "cells [x2]"
    assert found.places["Y"] == Axis(0.5, -0.25, "micrometer")
    assert open_writer(image.folder).provenance["complete"] is True
    assert (record["model"], record["source"], record["scale"]) == ("fsrcnn-x2", "cells", 2)
    assert stored_record(image.folder) == for_file(record)
    assert record["settings"]["tile"] == 40
    assert image.written == image.blocks == 8
    assert any("of 8 blocks written" in step.doing for step in steps)


def test_a_region_is_all_that_the_folder_holds(task, random):
    pixels = random.integers(0, 255, (2, 100, 90), np.uint8)
    region = Region(slice(20, 95), slice(7, 71))

    _, (image,), record = run(task(pixels, "ZYX", region=region))

    found = open_ome_zarr(image.folder).pixels[:]
    np.testing.assert_array_equal(found, pixels[:, 20:95, 7:71].repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(image.levels[0].compute(), found)
    assert record["region"] == ((20, 95), (7, 71))


def test_colours_are_last_in_the_view(task, random, loader):
    loader.network = Nearest(scale=2, channels=3)
    pixels = random.integers(0, 255, (70, 20, 3), np.uint8)

    _, (image,), _ = run(task(pixels, "YXS"))

    np.testing.assert_array_equal(image.all_levels[0], pixels.repeat(2, 0).repeat(2, 1))


def test_a_single_plane_is_read_at_its_place(task, random):
    pixels = random.integers(0, 255, (3, 20, 30), np.uint8)
    source = Source("cells", pixels, (1, 20, 30), "ZYX", rgb=False, plane=(2,))

    _, (image,), record = run(task(pixels, "ZYX", source=source, near=(0.0, 3.0, 4.0)))

    np.testing.assert_array_equal(image.levels[0], pixels[2:].repeat(2, 1).repeat(2, 2))
    assert record["plane"] == (2,)


def test_blocks_can_be_seen_before_the_end(task, random):
    pixels = random.integers(1, 255, (200, 64), np.uint8)
    seen = []
    with closing(run_layer(task(pixels))) as steps:
        for step in steps:
            if isinstance(step, GrowingImage):
                image = step
            elif "Upscaling" in step.doing and image.written:
                seen.append(np.count_nonzero(image.levels[0].compute()))

    assert 0 < seen[0] < 4 * pixels.size


@pytest.mark.parametrize("kept", [0, 2**20])
def test_coarse_levels_in_memory_are_those_on_the_disk(task, random, monkeypatch, kept, loader):
    monkeypatch.setattr(layer, "IN_MEMORY", kept)
    loader.network = Nearest(scale=2, channels=3)
    pixels = random.integers(0, 255, (2, 190, 131, 3), np.uint8)

    _, (image,), _ = run(task(pixels, "ZYXS"))

    assert len(image.levels) == 2
    assert isinstance(image.levels[1], np.ndarray) is bool(kept)
    for shown, stored in zip(image.levels, image.all_levels, strict=False):
        np.testing.assert_array_equal(shown, stored)


def test_closing_it_keeps_blocks_that_are_written(task, random):
    pixels = random.integers(1, 255, (300, 64), np.uint8)
    with closing(run_layer(task(pixels))) as steps:
        image = next(step for step in steps if isinstance(step, GrowingImage))
        while not image.written:
            next(steps)

    assert 0 < image.written < image.blocks
    assert open_writer(image.folder).provenance["complete"] is False


def test_closing_it_before_the_first_block_leaves_nothing(task, random):
    request = task(random.integers(0, 255, (200, 64), np.uint8))
    with closing(run_layer(request)) as steps:
        next(step for step in steps if isinstance(step, GrowingImage))
        assert request.folder.exists()

    assert not request.folder.exists()


def test_a_failing_network_leaves_nothing_and_is_named(task, loader):
    loader.network = Failing(RuntimeError("no kernel"), scale=2)
    request = task(np.zeros((20, 20), np.uint8))

    with pytest.raises(UpscaleError, match="fsrcnn-x2 stopped: no kernel"):
        run(request)

    assert not request.folder.exists()


def test_a_folder_that_exists_is_not_touched(task):
    request = task(np.zeros((20, 20), np.uint8))
    request.folder.mkdir()
    (request.folder / "notes.txt").write_text("mine")

    with pytest.raises(FileError, match="exists"):
        run(request)

    assert (request.folder / "notes.txt").read_text() == "mine"


def test_blocks_near_the_view_come_first():
    layout = layout_of((3, 256, 256), np.uint8, "ZYX")
    grid = make_grid(layout, Nearest(), local=True, side=(64, 64))

    numbers = nearest_first(grid, (1.0, 200.0, 40.0))

    first, last = grid.block(numbers[0]), grid.block(numbers[-1])
    assert (first.plane, first.core.rows, first.core.columns) == (
        (1,),
        slice(192, 256),
        slice(0, 64),
    )
    assert last.plane != (1,)
    assert sorted(numbers) == list(range(48)) == nearest_first(grid, None)
