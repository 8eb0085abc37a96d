"""A record as Python and as a command: both ask for the run that the record describes."""

from __future__ import annotations

import ast
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
import tifffile
from hypothesis import given
from records import record_of, records, weights

from napari_sr.cli import upscale
from napari_sr.cli.commands import app
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.planning.region import checked_region
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.record_forms import as_command, as_python, out_name
from napari_sr.runs.recorded import Recorded
from napari_sr.runs.run import Request, drive, run_request


def asked_by(command):
    """Return the job that a command line asks for."""
    program, *words = shlex.split(command)
    assert program == "napari-sr"
    jobs = []
    with (
        patch.object(upscale, "run", lambda job, how: jobs.append(job)),
        patch.object(sys, "argv", ["napari-sr", *words]),
    ):
        app(standalone_mode=False)
    return jobs[0]


@given(records())
def test_a_command_asks_for_the_recorded_run(record):
    found = Recorded.of(record)
    command = as_command(record)
    if command.startswith("napari-sr run"):
        assert record.get("blended")
        return

    job = asked_by(command)

    one, *others = record.get("blended", [record])
    assert job.source == Path(record["source_path"])
    assert (str(job.model.name), job.model.scale) == (one["file"], 3)
    assert dict(job.model.options) == one["options"]
    assert job.axes == record["source_axes"]
    if others:
        assert (job.model.second.name, job.model.weight) == (others[0]["file"], record["weight"])
    asked, recorded = vars(job.settings), vars(found.chosen())
    if record["settings"]["device"] != "cpu":  # an engine is a matter of CPUs
        asked, recorded = ({**one, "engine": None} for one in (asked, recorded))
    if recorded["precision"] == "float32" and recorded["device"] == "cpu":
        assert asked.pop("precision") == "auto"
        recorded = {key: value for key, value in recorded.items() if key != "precision"}
    assert asked == recorded


def test_a_known_model_is_named_and_a_layer_has_no_path():
    assert as_command(record_of()) == (
        "napari-sr upscale IN.tif cells_fsrcnn-x2.ome.tif --model fsrcnn-x2 --tile 512 "
        "--device cpu --engine torch --border zeros --axes YX"
    )
    wide = record_of(source_dtype="uint16", value_range=(0.0, 4095.0))
    assert "--value-range 0 4095" in as_command(wide)


@pytest.mark.parametrize(
    "changes",
    [
        {"plane": (2,), "axes": "ZYX"},
        {"region": ((0, 4), (2, 8))},
        {"full_range": True},
        {"options": {"kind": "text"}, "model": "mine", "sha256": "12"},
    ],
)
def test_what_the_command_upscale_lacks_is_left_to_the_record(changes):
    assert as_command(record_of(**changes)) == shlex.join(
        [
            *("napari-sr", "run", "record.toml", "--input", "IN.tif"),
            *("--output", out_name(Recorded.of(record_of(**changes)))),
        ]
    )


def test_a_region_of_a_file_is_an_option():
    of_file = {"source": None, "source_path": "/cells.tif", "region": ((0, 4), (2, 8))}

    assert as_command(record_of(**of_file)).endswith("--region 0 4 2 8")
    assert "run record.toml" in as_command(record_of(**of_file, block=(1024, 1024)))


def test_blocks_go_into_an_ome_zarr():
    found = record_of(block=(1024, 1024), source=None, source_path="/a b/cells.ome.tif")

    assert "'/a b/cells.ome.tif' cells_fsrcnn-x2.ome.zarr" in as_command(found)
    assert "in blocks of 1024 x 1024 px" in as_python(found)


def executed(code, **names):
    """Run code; return its names."""
    ast.parse(code)
    exec(code, names)
    return names


@pytest.fixture
def image(random):
    return random.integers(0, 65536, (2, 30, 34)).astype(np.uint16)


def test_python_and_command_make_a_consistent_result_again(image):
    request = Request(image, ModelReference("fsrcnn", 3, consistent=True), Settings(), "ZYX")
    result = drive(run_request(request))

    again = executed(as_python(result.record), image=image)["result"]

    np.testing.assert_array_equal(again, result.pixels)
    assert "--consistent" in as_command(result.record)
    assert "consistent" not in as_python(record_of())
    assert "consistent" not in as_command(record_of())


@pytest.mark.parametrize(
    ("settings", "region"),
    [
        (Settings(value_range=(0, 70000), tile=20, outliers="keep"), None),
        (Settings(ensemble=True, halo=3, tile=24, device="cpu"), None),
        (Settings(value_range=(0, 70000)), ((3, 20), (5, 30))),
        (Settings(border="zeros", tile=24), None),
    ],
)
def test_python_gives_the_same_pixels(image, settings, region):
    request = Request(image, ModelReference("fsrcnn", 3), settings, "ZYX")
    if region is not None:
        layout = layout_of(image.shape, image.dtype, "ZYX")
        request = replace(request, region=checked_region(region, layout))
    result = drive(run_request(request))

    again = executed(as_python(result.record), image=image)["result"]

    np.testing.assert_array_equal(again, result.pixels)


def test_python_reads_one_plane_of_a_layer(image):
    record = record_of(plane=(1,), axes="ZYX", source_dtype="uint16", value_range=(0.0, 65535.0))
    layer = SimpleNamespace(data=image)

    names = executed(as_python(record), viewer=SimpleNamespace(layers={"cells": layer}))

    np.testing.assert_array_equal(names["image"], image[1:])
    assert names["result"].shape == (1, 60, 68)


def test_python_reads_the_finest_level_of_a_layer_and_says_where_it_is_from():
    written = as_python(record_of(source_multiscale=True, source_path="/data/a.zarr"))

    assert 'viewer.layers["cells"].data[0]  # (40, 50) uint8' in written
    assert "# opened from '/data/a.zarr'" in written


def test_python_reads_a_file_as_the_command_does(image, tmp_path):
    path = tmp_path / "o'clock.tif"
    tifffile.imwrite(path, image[0], photometric="miniswhite")
    record = record_of(source=None, source_path=str(path), source_dtype="uint16")

    names = executed(as_python({**record, "value_range": (0.0, 65535.0)}))

    np.testing.assert_array_equal(names["image"], 65535 - image[0])


@given(weights(), weights())
def test_python_loads_checkpoints_with_their_options(first, second):
    calls = []
    api = SimpleNamespace(
        load=lambda *given, **options: ("loaded", *given, options),
        blend=lambda *given: calls.append(given),
        upscale=lambda *given, **options: None,
    )
    code = as_python(record_of(model="both", blended=[first, second], weight=0.3, scale=3))

    with patch.dict(sys.modules, {"napari_sr": api}):
        executed(code, viewer=SimpleNamespace(layers={"cells": SimpleNamespace(data=None)}))

    (call,) = calls
    for given_, one in zip(call, (first, second), strict=False):
        with_options = ("loaded", one["file"], 3, one["options"])
        assert given_ == (with_options if one["options"] else one["file"])
    assert call[2:] == (0.3, 3)


def test_a_series_is_loaded_as_it_was():
    first = {"model": "clean", "scale": 1, "file": "/a/clean.pth", "sha256": "12"}
    second = Recorded.of(record_of()).weights[0]
    record = record_of(model="clean, then fsrcnn-x2", series=[first, vars(second)])

    code, command = as_python(record), shlex.split(as_command(record))

    assert 'model = napari_sr.series(napari_sr.load("/a/clean.pth", 1), napari_sr.load("fs' in code
    assert "upscale(\n    image,\n    model," in code
    told = [command[command.index(name) + 1] for name in ("--model", "--scale", "--then")]
    assert told == ["/a/clean.pth", "2", "fsrcnn-x2"]
    strange = record_of(series=[first, {**first, "scale": 2}])
    assert as_command(strange).startswith("napari-sr run ")


def test_a_series_of_a_blend_is_loaded_as_it_was():
    a, b, c = ({"model": name, "scale": 2, "file": f"{name}.pth", "sha256": name} for name in "abc")
    blended = {"model": "0.7 a + 0.3 b", "scale": 2, "blended": [a, b], "weight": 0.3}
    record = record_of(series=[blended, {"model": "c, then c", "scale": 4, "series": [c, c]}])

    assert (
        'napari_sr.series(napari_sr.blend("a.pth", "b.pth", 0.3, 2), '
        'napari_sr.series(napari_sr.load("c.pth", 2), napari_sr.load("c.pth", 2)))\n'
    ) in as_python(record)
    assert as_command(record).startswith("napari-sr run ")


def test_the_code_says_versions_and_weights():
    written = as_python(record_of())

    assert "# this returns the same pixels with napari-sr 0.1.0, torch 2.13.0, numpy" in written
    assert "# fsrcnn-x2: sha256 56bdd4ae" in written


def test_names_of_results_are_safe_in_a_shell():
    strange = Recorded.of(record_of(source="a b/c; rm *"))

    assert out_name(strange) == "a_b_c_rm__fsrcnn-x2.ome.tif"


def test_the_name_of_a_result_of_any_factor_has_its_factor():
    assert out_name(Recorded.of(record_of(factor="3/2"))) == "cells_fsrcnn-x1.5.ome.tif"


def test_a_part_of_a_cancelled_run_is_cut_off_and_needs_the_record():
    record = record_of(kept=((0, 10), (0, 24)))

    assert "\nresult = result[0:10, 0:24]" in as_python(record)
    assert as_command(record).startswith("napari-sr run record.toml")
