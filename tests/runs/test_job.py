from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import Hungry, Nearest, finish
from forms import Failing

from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs import job
from napari_sr.runs.job import UpscaleError, run
from napari_sr.runs.model import ModelReference
from napari_sr.runs.model_list import ChosenModel, ListedModel, known_models
from napari_sr.runs.run import Request
from napari_sr.runs.source import Source


def request(pixels, plane=None, **settings):
    choice = ChosenModel(
        ListedModel("near.pth", "near", "", "", (2,)), 2, (("input_range", 255.0),)
    )
    shape = pixels.shape if plane is None else (1, 1, *pixels.shape[2:])
    source = Source("camera", pixels, shape, "TZYX"[-pixels.ndim :], rgb=False, plane=plane)
    return Request(source, choice.reference, Settings(**settings), source.axes)


@pytest.fixture
def pixels(random):
    return random.integers(0, 255, (40, 40), np.uint8)


def test_every_tile_is_reported_and_the_pixels_are_returned(pixels, loader):
    progress, result = finish(run(request(pixels, tile=20)))

    assert [step.doing for step in progress[1:]] == [
        f"Upscaling: tile {n} of 4" for n in range(1, 5)
    ]
    np.testing.assert_array_equal(result.pixels, pixels.repeat(2, 0).repeat(2, 1))


def test_the_checkpoint_is_loaded_with_scale_and_answers(pixels, loader):
    finish(run(request(pixels)))

    (path, scale, options) = loader.asked[-1]
    assert (str(path), scale, options) == ("near.pth", 2, {"input_range": 255.0})


def test_the_record_describes_the_run(pixels, loader):
    _, result = finish(run(request(pixels, tile=20, device="cpu", value_range=(0, 99))))

    record = result.record
    assert record["model"] == "near.pth"
    assert record["sha256"] == "0123"
    assert (record["scale"], record["tile"], record["device"]) == (2, 20, "cpu")
    assert record["precision"] == "float32"
    assert record["value_range"] == (0, 99)
    assert (record["source"], record["plane"]) == ("camera", None)
    assert (record["source_shape"], record["source_dtype"]) == ((40, 40), "uint8")
    assert record["settings"]["value_range"] == (0.0, 99.0)
    assert {"napari-sr", "torch", "numpy"} <= set(record["versions"])


def test_precision_and_kernels_reach_the_engine_and_the_record(pixels, loader):
    asked = request(pixels, device="cpu", precision="bfloat16", kernels="reference")

    _, result = finish(run(asked))

    record = result.record
    assert record["precision"] == "bfloat16"
    kernels = record["kernels"]
    assert (kernels["chosen"], kernels["launched"]) == ("reference", {})


def test_an_ensemble_takes_eight_times_the_tiles_and_is_recorded(pixels, loader):
    progress, result = finish(run(request(pixels, tile=20, ensemble=True)))

    assert progress[-1].doing == "Upscaling: tile 32 of 32"
    assert result.record["ensemble"] is True
    np.testing.assert_array_equal(result.pixels, pixels.repeat(2, 0).repeat(2, 1))


def test_a_blend_is_recorded_with_both_checkpoints_and_the_weight(pixels, loader):
    first = request(pixels)
    blended = replace(first.model, second=ModelReference("sharp.pth", 2), weight=0.3)

    _, result = finish(run(replace(first, model=blended)))

    record = result.record
    assert [str(asked[0]) for asked in loader.asked] == ["near.pth", "sharp.pth"]
    assert record["weight"] == 0.3
    assert [each["sha256"] for each in record["blended"]] == ["0123", "0123"]


def test_both_checkpoints_of_a_blend_are_downloaded_first(pixels, loader, monkeypatch):
    fetched = []

    def steps(entry):
        fetched.append(entry.name)
        yield 500, 1000

    monkeypatch.setattr(job, "fetch_steps", steps)
    known = {model.name: model for model in known_models()}
    choice = ChosenModel(known["fsrcnn"], 2).blended(known["bsrn"], 0.5)

    progress, _ = finish(run(replace(request(pixels), model=choice.reference)))

    assert fetched == ["fsrcnn-x2", "bsrn-x2"]
    assert [step.doing for step in progress[:2]] == ["Downloading: 500 bytes of 1.0 kB"] * 2


def test_one_plane_gives_one_plane(loader, random):
    pixels = random.integers(0, 255, (3, 5, 8, 8), np.uint8)

    _, result = finish(run(request(pixels, (2, 4))))

    assert result.pixels.shape == (1, 1, 16, 16)
    np.testing.assert_array_equal(result.pixels[0, 0], pixels[2, 4].repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("error", [RuntimeError("cuDNN failed"), NotImplementedError("no op")])
def test_runtime_errors_are_replaced_by_another_class(pixels, loader, error):
    loader.network = Failing(error)

    with pytest.raises(UpscaleError, match=str(error)) as caught:
        finish(run(request(pixels)))

    assert not isinstance(caught.value, RuntimeError)
    assert caught.value.__cause__ is error


def test_out_of_memory_keeps_its_own_class(pixels, loader):
    loader.network = Hungry(limit=0)

    with pytest.raises(OutOfMemoryError, match="not even tiles of 1 px"):
        finish(run(request(pixels, tile=1)))


def test_a_halved_tile_is_reported(pixels, loader):
    loader.network = Hungry(limit=400)

    progress, _ = finish(run(request(pixels)))

    assert any("out of memory with tiles of" in step.doing for step in progress)


def test_closing_frees_the_network(pixels, loader, monkeypatch):
    closed = []
    loader.network = Nearest(scale=2)
    monkeypatch.setattr("napari_sr.engine.execution.upscale.release", closed.append)
    steps = run(request(pixels, tile=20))
    next(steps), next(steps)

    steps.close()

    assert len(closed) == 1


def test_lack_of_memory_while_reading_is_reported_in_words(pixels, loader, monkeypatch):
    def read(source):
        yield 1, 2
        raise MemoryError("Unable to allocate 8.00 GiB for an array with shape (4, 32768, 16384)")

    monkeypatch.setattr(job, "read_pixels", read)

    with pytest.raises(UpscaleError, match=r"near x2 stopped: memory ran out \(Unable .* 8.00 GiB"):
        finish(run(request(pixels)))


def test_the_time_left_is_reported_with_the_steps(pixels, loader):
    progress, _ = finish(run(request(pixels, tile=20)))

    assert progress[0].seconds_left is None
    assert progress[-1].seconds_left == 0


@pytest.mark.parametrize("plane", [None, (1,)])
def test_a_region_of_a_layer_is_upscaled_alone(loader, random, plane):
    pixels = random.integers(0, 255, (2, 60, 70), np.uint8)
    shape = pixels.shape if plane is None else (1, 60, 70)
    source = Source("cells", pixels, shape, "ZYX", False, plane)
    region = Region(slice(10, 40), slice(0, 25))
    request = Request(source, ModelReference("fsrcnn-x2"), Settings(device="cpu"), "ZYX", region)

    _, result = finish(run(request))

    expected = pixels if plane is None else pixels[1:]
    np.testing.assert_array_equal(result.pixels, expected[:, 10:40, :25].repeat(2, 1).repeat(2, 2))
    assert result.record["region"] == ((10, 40), (0, 25))
    assert result.record["plane"] == plane
