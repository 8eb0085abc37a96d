"""Interrupted runs of layers into a folder, which are resumed."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import zarr
from fakes import Global, Nearest

from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.read import open_ome_zarr
from napari_sr.files.ome_zarr.write import open_writer
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.runs.source import Source
from napari_sr.streaming import layer
from napari_sr.streaming.journal import FOLDER, Journal, JournalError
from napari_sr.streaming.layer import GrowingImage, run_layer
from napari_sr.streaming.layer_request import LayerRequest
from napari_sr.streaming.lock import Lock
from napari_sr.streaming.result import start
from napari_sr.streaming.unfinished import unfinished

pytestmark = pytest.mark.needs("zarr")

SHAPES = {"YX": (300, 64), "ZYX": (2, 150, 70), "YXS": (300, 64, 3)}


@pytest.fixture
def request_for(tmp_path, loader, small_blocks):
    """Return a function that returns a request for an array."""

    def make(data, axes="YX", name="cells.ome.zarr", **changes):
        loader.network = Nearest(scale=2, channels=3 if axes.endswith("S") else 1)
        source = Source("cells", data, tuple(data.shape), axes, axes.endswith("S"))
        places = {"Y": Axis(0.5, -0.25, "micrometer"), "X": Axis(0.5, -0.25, "micrometer")}
        settings = Settings(device="cpu", tile=40)
        asked = LayerRequest(
            source, tmp_path / name, ModelReference("fsrcnn-x2"), settings, axes, places
        )
        return replace(asked, **changes)

    return make


@pytest.fixture
def interrupted(request_for, random):
    """Return a function that interrupts a run, and returns its request as one that goes on."""

    def make(axes="YX", dtype=np.uint8, blocks=1, **changes):
        pixels = random.integers(1, 255, SHAPES[axes], np.uint8)
        pixels = pixels / np.float32(255) if dtype is np.float32 else pixels
        request = request_for(pixels, axes, **changes)
        with closing(run_layer(request)) as steps:
            image = next(step for step in steps if isinstance(step, GrowingImage))
            while image.written < blocks:
                next(steps)
        assert image.written < image.blocks
        return replace(request, resume=True)

    return make


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "zarr.json"
    }


@pytest.mark.parametrize("axes", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_run_that_goes_on_computes_the_rest_and_gives_the_same_files(
    interrupted, request_for, axes, dtype
):
    request = interrupted(axes, dtype)
    kept = files(request.folder)
    done = unfinished(request).done
    whole = replace(request, folder=request.folder.with_name("whole.zarr"), resume=False)
    drive(run_layer(whole))
    computed = []
    record = drive(run_layer(request), computed.append)

    assert files(request.folder) == files(whole.folder)
    assert all(
        files(request.folder)[name] == content
        for name, content in kept.items()
        if FOLDER not in name
    )
    assert f"resumed: {done} of " in record["notes"][0]
    assert "values are counted only in the others" in record["notes"][0]
    assert open_writer(request.folder).provenance["complete"] is True
    assert not Journal(request.folder).exists
    image = next(step for step in computed if isinstance(step, GrowingImage))
    np.testing.assert_array_equal(image.levels[1], image.all_levels[1])


def test_done_blocks_are_not_computed_again(interrupted, monkeypatch):
    request = interrupted(blocks=2)
    before = Journal(request.folder).done()
    written, write_block = [], layer.write_block

    def write(writer, block, *rest):
        written.append(block.number)
        write_block(writer, block, *rest)

    monkeypatch.setattr(layer, "write_block", write)
    drive(run_layer(request))

    assert sorted(written) == sorted(set(range(5)) - before)
    assert before


def test_planes_of_a_network_with_global_values_go_on(request_for, loader, random):
    pixels = random.integers(1, 255, (3, 40, 50), np.uint8)
    request = request_for(pixels, "ZYX")
    loader.network = Global(scale=2, channels=1)
    with closing(run_layer(request)) as steps:
        image = next(step for step in steps if isinstance(step, GrowingImage))
        while not image.written:
            next(steps)

    drive(run_layer(replace(request, resume=True)))

    whole = replace(request, folder=request.folder.with_name("whole.zarr"))
    drive(run_layer(whole))
    assert files(request.folder) == files(whole.folder)


@pytest.mark.parametrize("damage", ["remove", "cut off"])
def test_a_block_whose_file_is_lost_is_computed_again(interrupted, damage):
    request = interrupted(blocks=2)
    file = next(path for path in request.folder.glob("0/c/**/*") if path.is_file())
    if damage == "remove":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])

    drive(run_layer(request))

    pixels = np.asarray(request.source.data)
    found = open_ome_zarr(request.folder).pixels[:]
    np.testing.assert_array_equal(found, pixels.repeat(2, 0).repeat(2, 1))


def test_a_layer_whose_pixels_have_changed_is_refused_and_nothing_is_lost(interrupted):
    request = interrupted()
    before, done = files(request.folder), unfinished(request).done
    request.source.data[:] = request.source.data[::-1].copy()

    with pytest.raises(JournalError, match=r"the pixels of cells have changed .*at row 0"):
        drive(run_layer(request))

    assert files(request.folder).keys() >= before.keys()
    assert unfinished(request).done == done > 0


def test_other_percentiles_are_refused(interrupted):
    settings = Settings(device="cpu", tile=40, value_range=Percentiles(0, 100))
    request = interrupted(settings=settings)
    request.source.data[-1, -1] = 255

    with pytest.raises(JournalError, match="black and white differ"):
        drive(run_layer(request))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"settings": Settings(device="cpu", tile=40, ensemble=True)}, "settings.ensemble was"),
        ({"model": ModelReference("fsrcnn-x2", consistent=True)}, "model.consistent was null"),
        ({"region": Region(slice(0, 200), slice(0, 64))}, "region was null and is"),
        ({"places": {"Y": Axis(2.0)}}, "places.X was"),
    ],
)
def test_another_run_is_refused_and_the_difference_is_named(interrupted, changes, told):
    before = interrupted()
    request = replace(before, **changes)

    with pytest.raises(JournalError, match=f"belongs to another run: .*{told}"):
        drive(run_layer(request))

    assert told in unfinished(request).reason
    assert unfinished(before).done == unfinished(request).done > 0


@pytest.mark.parametrize("entry", ["weights", "versions"])
def test_other_weights_or_versions_are_refused(interrupted, entry):
    request = interrupted()
    path = request.folder / FOLDER / "task.json"
    task = json.loads(path.read_text())
    task["key"][entry] = "others"
    path.write_text(json.dumps(task))

    with pytest.raises(JournalError, match=f'{entry} was "others"'):
        drive(run_layer(request))


def test_a_folder_that_another_process_fills_is_left_alone(interrupted):
    request = interrupted()
    other = Lock()
    other.take(request.folder)

    with pytest.raises(FileError, match="another process is writing"):
        drive(run_layer(request))

    other.release()
    drive(run_layer(request))


def test_a_folder_of_a_run_in_progress_is_locked(request_for, random):
    request = request_for(random.integers(1, 255, SHAPES["YX"], np.uint8))
    with closing(run_layer(request)) as steps:
        next(step for step in steps if isinstance(step, GrowingImage))
        with pytest.raises(FileError, match="another process is writing"):
            Lock().take(request.folder)


def test_a_folder_in_the_layer_s_own_image_is_refused(request_for, random, tmp_path):
    zarr.create_group(tmp_path / "in.zarr")
    request = request_for(random.integers(1, 255, SHAPES["YX"], np.uint8), name="in.zarr/a.zarr")
    source = replace(request.source, path=str(tmp_path / "in.zarr"))

    with pytest.raises(FileError, match="is in the layer's image: give the result another folder"):
        drive(run_layer(replace(request, source=source)))

    assert not request.folder.exists()


def test_a_folder_that_is_removed_during_the_run_is_not_made_again(request_for, random):
    request = request_for(random.integers(1, 255, SHAPES["YX"], np.uint8))
    with pytest.raises(FileError, match="was removed meanwhile: nothing more is written"):
        for step in run_layer(request):
            if isinstance(step, GrowingImage):
                image = step
                shutil.rmtree(request.folder)

    assert image.written == 0
    assert not request.folder.exists()


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_folder_that_another_run_began_at_the_same_path_is_left_alone(
    request_for, random, cancelled
):
    request = request_for(random.integers(1, 255, SHAPES["YX"], np.uint8))
    steps = run_layer(request)
    next(step for step in steps if isinstance(step, GrowingImage))
    shutil.rmtree(request.folder)
    others = replace(request.source, data=255 - request.source.data)
    second = run_layer(replace(request, source=others))
    next(step for step in second if isinstance(step, GrowingImage))

    if cancelled:
        steps.close()
    else:
        with pytest.raises(FileError, match="was replaced by another run meanwhile: nothing more"):
            drive(steps)
    drive(second)

    found = open_ome_zarr(request.folder).pixels[:]
    np.testing.assert_array_equal(found, others.data.repeat(2, 0).repeat(2, 1))


def test_the_command_line_says_where_a_layer_goes_on(interrupted, tmp_path):
    from blocks import image_of, request_of, tiff_of

    request = interrupted()
    source = tiff_of(tmp_path / "in.tif", image_of())

    with pytest.raises(JournalError, match="begun in napari, from a layer: continue it there"):
        start(request_of(source, request.folder, resume=True))


def test_a_form_says_where_a_file_goes_on(interrupted, request_for, tmp_path):
    from blocks import image_of, request_of, tiff_of

    source = tiff_of(tmp_path / "in.tif", image_of())
    start(request_of(source, tmp_path / "file.zarr"))
    request = replace(request_for(np.zeros((9, 9), np.uint8)), folder=tmp_path / "file.zarr")

    assert "on the command line: continue it there" in unfinished(request).reason
    with pytest.raises(JournalError, match=r"begun from .*in\.tif"):
        drive(run_layer(replace(request, resume=True)))
