"""A script upscales a folder with one call, which reports each file."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tifffile
from folders import files_in, tree_of

import napari_sr
from napari_sr.batch import upscale_folder as module
from napari_sr.batch.upscale_folder import (
    PERCENTILES,
    RANGE,
    FolderStep,
    count_images,
    patterns_in,
    range_of,
    upscale_folder_steps,
)


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
    steps = upscale_folder_steps(*folders)

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

    assert range_of(RANGE, 0, 4095) == (0, 4095)
    assert range_of(PERCENTILES, 0, 1).high == 99.9
    with pytest.raises(ValueError, match="got 'guess'"):
        range_of("guess", 0, 1)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"pattern": "*.gif"}, r"matches \*\.gif"),
        ({"model": "nosuch"}, "nosuch"),
        ({"scale": 7}, "7"),
    ],
)
def test_nothing_is_written_if_the_call_is_wrong(folders, changes, what):
    with pytest.raises(ValueError, match=what):
        napari_sr.upscale_folder(*folders, **changes)

    assert not folders[1].exists() or files_in(folders[1]) == {}


def test_files_are_counted_as_the_run_finds_them(folders):
    assert count_images(*folders, "*.tif; *.png") == 2
    assert count_images(*folders, "**/*") == 3
    assert patterns_in(" a ;; b;") == ["a", "b"]


def test_the_form_s_generator_takes_the_same_arguments():
    own, steps = (
        inspect.signature(function).parameters
        for function in (module.upscale_folder, module.upscale_folder_steps)
    )

    assert own == steps
