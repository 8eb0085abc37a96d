"""A script upscales a folder with one call, which reports each file."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
import tifffile
from folders import files_in, tree_of

import napari_sr
from napari_sr.batch import upscale_folder as module
from napari_sr.batch.folder_arguments import RANGE
from napari_sr.batch.job import FileJob
from napari_sr.batch.upscale_folder import FolderStep, folder_steps
from napari_sr.cli.commands import upscale_command
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference


@pytest.fixture
def folders(tmp_path):
    return tree_of(tmp_path / "in", "a.tif", "b.png", "x/c.tif"), tmp_path / "out"


def test_matching_files_are_upscaled_and_done_ones_are_skipped(folders):
    report = napari_sr.upscale_folder(*folders, pattern="*.tif; **/c.*", to=".ome.tif")

    assert report.made == ["a.tif", "x/c.tif"]
    assert set(files_in(folders[1])) == {"a.ome.tif", "x/c.ome.tif"}
    assert tifffile.imread(folders[1] / "a.ome.tif").shape == (18, 14)
    again = napari_sr.upscale_folder(*folders, pattern="**/*.tif", to=".ome.tif")
    assert again.counts == "2 files: 2 done before"


def test_each_step_names_its_file_and_the_bar_reaches_the_end(folders):
    (folders[0] / "b.png").write_bytes(b"nonsense")
    job = FileJob(*folders, ModelReference.of("fsrcnn", 2), Settings())
    steps = folder_steps(job, "*.tif; *.png")

    told = [step for step in steps if isinstance(step, FolderStep)]

    assert [step.file for step in told if step.doing.endswith((".tif", ".png"))] == [
        "a.tif",
        "b.png",
    ]
    assert told[0].doing == "File 1 of 2: a.tif"
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert {step.total for step in told} == {2000}
    assert "tiles 1 of 1" in "".join(step.doing for step in told)
    assert list(told[-1].report.failures) == ["b.png"]


def test_black_and_white_are_chosen(folders):
    source, out = folders
    tifffile.imwrite(source / "deep.tif", np.full((8, 8), 4000, np.uint16))

    with pytest.raises(ValueError, match="black must be below white, got black=9 and white=9"):
        napari_sr.upscale_folder(source, out, "deep.tif", values=RANGE, black=9, white=9)
    assert napari_sr.upscale_folder(source, out, "deep.tif", values=RANGE, white=4095).done == 1


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"pattern": "*.gif"}, r"matches \*\.gif"),
        ({"model": "nosuch"}, "nosuch"),
        ({"scale": 17}, "17"),
    ],
)
def test_nothing_is_written_if_the_call_is_wrong(folders, changes, what):
    with pytest.raises(ValueError, match=what):
        napari_sr.upscale_folder(*folders, **changes)

    assert not folders[1].exists() or files_in(folders[1]) == {}


def test_a_folder_has_the_options_of_the_command_line():
    """The names differ only where Python cannot have the command's, or has more than one."""
    command = set(inspect.signature(upscale_command).parameters)
    for_one_image = {
        "uncertainty",
        "region",
        "maps",
        "resume",
        "part",
        "finish",
        "pixel_size",
    }
    own = set(inspect.signature(module.upscale_folder).parameters)

    renamed = {"percentiles": "value_range", "option": "options"}
    assert {renamed.get(name, name) for name in command - for_one_image} <= own
    assert own - command == {"options", "values", "black", "white", "progress"}


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"border": "zeros"}, {"border": "zeros"}),
        ({"ensemble": True}, {"ensemble": True}),
        ({"consistent": True}, {"consistent": True}),
        ({"value_range": (10, 240)}, {"value_range": (10, 240)}),
        ({"tile": 24, "halo": 2, "engine": "torch"}, {"tile": 24, "halo": 2, "engine": "torch"}),
    ],
)
def test_settings_are_those_of_an_image_alone(tmp_path, random, changes, settings):
    pixels = random.integers(0, 255, (50, 40), np.uint8)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", pixels)

    napari_sr.upscale_folder(tmp_path / "in", tmp_path / "out", **changes)

    made = tifffile.imread(tmp_path / "out" / "a.tif")
    np.testing.assert_array_equal(made, napari_sr.upscale(pixels, "fsrcnn", 2, **settings))
    assert (made != napari_sr.upscale(pixels, "fsrcnn", 2)).any()


@pytest.mark.needs("zarr")
def test_axes_and_the_version_of_ome_zarr_are_chosen(tmp_path, random):
    pixels = random.integers(0, 255, (3, 20, 24), np.uint8)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", pixels)

    report = napari_sr.upscale_folder(
        tmp_path / "in", tmp_path / "out", axes="TYX", to=".ome.zarr", ome_zarr="0.4"
    )

    assert report.failures == {}
    (image,) = json.loads((tmp_path / "out/a.ome.zarr/.zattrs").read_text())["multiscales"]
    assert image["version"] == "0.4"
    assert [axis["name"] for axis in image["axes"]] == ["t", "y", "x"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"ome_zarr": "0.3"}, 'ome_zarr must be "0.4" or "0.5", got'),
        ({"workers": 2, "scheduler": "tcp://a:1"}, "not both, got 2"),
    ],
)
def test_options_that_cannot_be_are_refused(folders, changes, what):
    with pytest.raises(ValueError, match=what):
        napari_sr.upscale_folder(*folders, **changes)


def test_progress_is_told(folders):
    told = []

    napari_sr.upscale_folder(*folders, progress=told.append)

    assert any("File 2 of 2: b.png" in step.doing for step in told)
