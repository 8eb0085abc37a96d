"""Runs repeated from their records: equal bits, or a warning about what differs."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from records import record_of

import napari_sr
from napari_sr.engine.execution.partial_result import PartialResult
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.region import checked_region
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.lazy import open_lazy
from napari_sr.files.lazy_image import Axis
from napari_sr.layers.colour import enlarge
from napari_sr.runs.job import run as run_job
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record import RecordError, as_toml, read_record
from napari_sr.runs.run import Request, drive
from napari_sr.runs.source import Source
from napari_sr.streaming.layer import run_layer
from napari_sr.streaming.layer_request import LayerRequest
from napari_sr.streaming.repeat import RecordWarning, run


@pytest.fixture
def pixels(random):
    return random.integers(0, 65536, (3, 70, 80)).astype(np.uint16)


def upscaled(pixels, settings, plane=None, region=None, **changes):
    """Return the result of a run on a layer."""
    shape = pixels.shape if plane is None else (1, *pixels.shape[1:])
    source = Source("cells", pixels, shape, "ZYX", rgb=False, plane=plane, **changes)
    if region is not None:
        region = checked_region(region, layout_of(shape, pixels.dtype, "ZYX"))
    return drive(run_job(Request(source, ModelReference("fsrcnn-x2"), settings, "ZYX", region)))


@pytest.mark.parametrize(
    ("settings", "plane", "region"),
    [
        (Settings(tile=40), None, None),
        (Settings(value_range=Percentiles(1, 99), outliers="keep"), (1,), None),
        (Settings(tile=33, ensemble=True), (2,), ((5, 40), (10, 70))),
    ],
    ids=["tiles", "plane", "region"],
)
def test_a_result_in_memory_is_repeated_bit_by_bit(pixels, tmp_path, settings, plane, region):
    result = upscaled(pixels, settings, plane, region)
    (tmp_path / "record.toml").write_text(as_toml(result.record), encoding="utf-8")

    for record in (result.record, tmp_path / "record.toml"):
        np.testing.assert_array_equal(run(record, pixels), result.pixels)


@pytest.mark.needs("zarr")
def test_a_result_in_a_folder_is_repeated_by_its_blocks(
    pixels, tmp_path, small_blocks, monkeypatch
):
    source = Source("cells", pixels, pixels.shape, "ZYX", rgb=False)
    settings = Settings(device="cpu", value_range=(0, 70000))
    request = LayerRequest(
        source, tmp_path / "a.ome.zarr", ModelReference("fsrcnn-x2"), settings, "ZYX", {}
    )
    record = drive(run_layer(request))
    expected = open_lazy(tmp_path / "a.ome.zarr").pixels[:]
    assert record["settings"]["tile"] > 0  # it was open
    monkeypatch.setattr("napari_sr.engine.planning.block_size.SIDES", (1024,))

    again = run(record, pixels, tmp_path / "b.tif")

    np.testing.assert_array_equal(again, expected)
    np.testing.assert_array_equal(run(tmp_path / "a.ome.zarr", pixels), expected)
    assert record["block"] == (64, 64)
    assert read_record(tmp_path / "b.tif")["block"] == [64, 64]


def test_the_recorded_file_is_read_and_the_result_is_written_in_place(pixels, tmp_path):
    micro = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "cells.ome.tif", pixels, metadata=micro)
    path = str(tmp_path / "cells.ome.tif")
    result = upscaled(pixels, Settings(), (1,), ((4, 20), (6, 30)), path=path)

    again = run(result.record, out=tmp_path / "part.ome.tif")

    np.testing.assert_array_equal(again, result.pixels)
    written = open_lazy(tmp_path / "part.ome.tif")
    np.testing.assert_array_equal(np.squeeze(written.pixels[:]), again[0])
    # half a pixel: the outer edges stay
    assert written.places["Y"] == Axis(0.25, 4 * 0.5 - 0.125, "micrometer")
    assert written.places["X"] == Axis(0.25, 6 * 0.5 - 0.125, "micrometer")
    record = read_record(tmp_path / "part.ome.tif")
    assert (record["plane"], record["region"]) == ([1], [[4, 20], [6, 30]])


def test_a_file_of_fewer_bits_has_their_white(tmp_path, random):
    pixels = random.integers(0, 4096, (30, 40)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"SignificantBits": 12})
    record = record_of(
        source=None, source_path=str(tmp_path / "a.ome.tif"), source_shape=(30, 40),
        source_dtype="uint16", value_range=(0.0, 4095.0), versions={},
    )  # fmt: skip

    again = run(record)

    how = {"value_range": (0, 4095), "engine": "torch", "border": "zeros"}
    expected = napari_sr.upscale(pixels, **how).clip(max=4095)
    np.testing.assert_array_equal(again, expected)


def test_another_type_gets_its_own_range(random):
    pixels = random.random((20, 30)).astype(np.float32)

    again = run(record_of(versions={}), pixels)

    expected = napari_sr.upscale(pixels, engine="torch", border="zeros")
    np.testing.assert_array_equal(again, expected)


def test_records_from_before_the_border_was_reflected_give_the_same_bits(random):
    pixels = random.random((30, 40)).astype(np.float32)
    before = record_of(versions={}, source_dtype="float32", value_range=(0.0, 1.0))
    assert "border" not in before["settings"]
    after = {**before, "settings": {**before["settings"], "border": "reflect"}}

    alone, around = run(before, pixels), run(after, pixels)

    plane = torch.from_numpy(pixels)[None, None]
    with torch.inference_mode():
        expected = enlarge(napari_sr.load("fsrcnn-x2"), plane)[0, 0].numpy()
    np.testing.assert_array_equal(alone, expected)
    np.testing.assert_array_equal(around, napari_sr.upscale(pixels, engine="torch"))
    np.testing.assert_array_equal(alone[30:32, 40:42], around[30:32, 40:42])
    assert np.abs(alone - around).max() > 0.01


def test_what_differs_is_told(pixels, tmp_path):
    record = record_of(versions={"torch": "1.0"})
    with pytest.warns(RecordWarning, match=r"made with torch 1.0 \(now "):
        run(record, pixels[0])

    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 50), np.uint8))
    other = {"size": 1, "sha256_of_ends": "12"}
    record = record_of(source=None, source_path=str(tmp_path / "a.tif"), source_file=other)
    with pytest.warns(RecordWarning, match="is not the recorded file"):
        run({**record, "versions": {}})


@pytest.mark.parametrize(
    ("changes", "image", "message"),
    [
        ({"sha256": "12"}, (4, 5), "fsrcnn-x2 with sha256 12, but this version"),
        (
            {"plane": (3,), "axes": "ZYX"},
            (3, 4, 5),
            r"plane \(3,\) .* axes are ZYX, of shape \(3, 4",
        ),
        ({"plane": (0,)}, (4, 5), r"plane \(0,\)"),
        ({"region": ((0, 9), (0, 5))}, (4, 5), "bottom <= 4"),
    ],
)
def test_a_run_that_cannot_be_the_same_is_refused(changes, image, message):
    with pytest.raises(ValueError, match=message):
        run(record_of(versions={}, **changes), np.zeros(image, np.uint8))


def test_a_layer_that_is_no_file_needs_the_image():
    with pytest.raises(RecordError, match="the layer 'cells', not a file: give the image"):
        run(record_of())


def test_what_was_kept_of_a_cancelled_run_is_repeated(pixels, tmp_path):
    micro = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "cells.ome.tif", pixels, metadata=micro)
    path = str(tmp_path / "cells.ome.tif")
    result = upscaled(pixels, Settings(tile=40, engine="torch"), (1,), path=path)
    record = {**result.record, "kept": ((0, 1), (20, 80), (0, 160))}

    again = run(record, out=tmp_path / "part.ome.tif")

    np.testing.assert_array_equal(again, result.pixels[:, 20:80])
    written = open_lazy(tmp_path / "part.ome.tif")
    assert written.places["Y"] == Axis(0.25, 20 * 0.25 - 0.125, "micrometer")
    assert read_record(tmp_path / "part.ome.tif")["kept"] == [[0, 1], [20, 80], [0, 160]]
    with pytest.raises(RecordError, match=r"20, 800.*has the shape \(1, 140, 160\)"):
        run({**record, "kept": ((0, 1), (20, 800), (0, 160))})


@pytest.mark.parametrize("after", [3, 9])
def test_what_a_cancelled_run_leaves_is_repeated_bit_by_bit(pixels, after):
    source = Source("cells", pixels, pixels.shape, "ZYX", rgb=False)
    settings, partial = Settings(tile=40, device="cpu", engine="torch"), PartialResult()
    steps = run_job(Request(source, ModelReference("fsrcnn-x2"), settings, "ZYX"), partial)
    while next(steps).done < after:
        pass
    steps.close()
    part = partial.finished()

    again = run({**partial.record, "kept": part.spans}, pixels)

    np.testing.assert_array_equal(again, part.pixels)
