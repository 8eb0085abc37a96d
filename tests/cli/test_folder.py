"""The images in a folder are upscaled, whatever happens to some of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from blocks import SETTINGS, image_of, tiff_of
from folders import files_in, image_at, pixels_of, tree_of
from PIL import Image

from napari_sr.batch import by_blocks
from napari_sr.batch.folder import FolderRun
from napari_sr.batch.job import BlockOptions, FileJob, FolderReport
from napari_sr.cli import app, folder, terminal, upscale
from napari_sr.cli.model import CommandError
from napari_sr.files import place
from napari_sr.runs import run
from napari_sr.runs.model import ModelReference
from napari_sr.streaming import result


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Run the command on the folder "in" in this process; return exit code and messages."""
    monkeypatch.chdir(tmp_path)

    def call(*words, into="out"):
        monkeypatch.setattr(sys, "argv", ["napari-sr", "upscale", "in", into, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        result.opened.cache_clear()
        return ended.value.code, capfd.readouterr().err

    return call


ALL = ("--pattern", "**/*.tif", "--pattern", "**/*.png")


def test_the_tree_and_the_formats_are_kept(tmp_path, call):
    tree_of(tmp_path / "in", "a.png", "x/b.tif", "x/y/c.tif", "d.txt.tif")

    code, told = call(*ALL)

    assert (code, told) == (0, "4 files: 4 upscaled\n")
    assert set(files_in(tmp_path / "out")) == {"a.png", "d.txt.tif", "x/b.tif", "x/y/c.tif"}
    assert Image.open(tmp_path / "out" / "a.png").size == (14, 18)
    # the same as one by one
    job = FileJob(Path("in/x/b.tif"), Path("b.tif"), ModelReference(), SETTINGS)
    upscale.run(job, BlockOptions())
    np.testing.assert_array_equal(tifffile.imread("b.tif"), tifffile.imread("out/x/b.tif"))


def test_what_is_done_is_not_done_again(tmp_path, call):
    tree_of(tmp_path / "in", "a.tif", "x/b.tif")
    call(*ALL)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.tif")}
    image_at(tmp_path / "in" / "c.tif")

    code, told = call(*ALL)

    assert (code, told) == (0, "3 files: 1 upscaled, 2 done before\n")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_bad_file_does_not_stop_the_rest(tmp_path, call):
    source = tree_of(tmp_path / "in", "a.tif", "b.tif", "c.tif", "d.tif")
    (source / "a.tif").write_bytes(b"nonsense")
    (source / "b.tif").write_bytes((source / "b.tif").read_bytes()[:90])
    (source / "lost.tif").symlink_to("nothing")
    os.mkfifo(source / "pipe.tif")

    code, told = call(*ALL)

    lines = told.splitlines()
    assert code == 2
    assert lines[0] == "6 files: 2 upscaled, 4 failed"
    assert lines[1].startswith("Failed: a.tif: in/a.tif is not a PNG, JPEG or TIFF file")
    assert lines[2].startswith("Failed: b.tif: in/b.tif ")
    assert lines[3].startswith("Failed: lost.tif: in/lost.tif is a link to ")
    assert lines[4].startswith("Failed: pipe.tif: in/pipe.tif is a pipe")
    assert set(files_in(tmp_path / "out")) == {"c.tif", "d.tif"}
    image_at(source / "a.tif")
    assert call(*ALL)[1].startswith("6 files: 1 upscaled, 2 done before, 3 failed")


def test_a_file_that_vanishes_is_told(tmp_path, call, monkeypatch):
    source = tree_of(tmp_path / "in", "a.tif", "b.tif", "c.tif")
    write = FolderRun._upscale

    def also_remove(run, job):
        yield from write(run, job)
        (source / "b.tif").unlink(missing_ok=True)

    monkeypatch.setattr(FolderRun, "_upscale", also_remove)
    code, told = call(*ALL)

    assert code == 2
    assert told == ("3 files: 2 upscaled, 1 failed\nFailed: b.tif: there is no file in/b.tif\n")


def test_notes_name_their_file(tmp_path, call):
    source = tmp_path / "in" / "x"
    source.mkdir(parents=True)
    tifffile.imwrite(source / "a.tif", pixels_of().astype(np.uint16), imagej=True)

    told = call(*ALL, "--to", ".png")[1].splitlines()

    assert told[0] == "x/a.tif: a PNG cannot hold ImageJ metadata"
    assert told[1].startswith("x/a.tif: ")
    assert "value" in told[1]
    assert told[2:] == ["1 file: 1 upscaled"]


@pytest.mark.needs("zarr")
def test_another_format_is_written_for_all(tmp_path, call):
    source = tree_of(tmp_path / "in", "a.png", "x/b.tif")

    assert call(*ALL, "--to", ".zarr")[0] == 0
    assert call(*ALL, "--to", "tif", into="more")[0] == 0

    assert zarr.open_group("out/x/b.zarr", mode="r")["0"].shape == (18, 14)
    assert set(files_in(tmp_path / "more")) == {"a.tif", "x/b.tif"}
    image_at(source / "a.tif")
    code, told = call(*ALL, "--to", ".zarr", into="third")
    assert code == 2
    assert told.startswith("Error: a.png and a.tif would both become a.zarr")
    assert not os.path.exists("third")


@pytest.mark.needs("zarr")
def test_an_ome_zarr_in_the_folder_is_one_image(tmp_path, call):
    tree_of(tmp_path / "in", "a.tif")
    call(*ALL, "--to", ".zarr")
    os.rename("out/a.zarr", "in/b.zarr")

    code, told = call("--pattern", "**/*", into="again")

    assert (code, told.splitlines()[-1]) == (0, "2 files: 2 upscaled")
    assert zarr.open_group("again/b.zarr", mode="r")["0"].shape == (36, 28)
    assert call("--pattern", "**/*", into="again") == (0, "2 files: 2 done before\n")


def test_results_inside_the_folder_are_no_sources(tmp_path, call):
    tree_of(tmp_path / "in", "a.tif")

    assert call(*ALL, into="in/larger")[0] == 0

    assert call(*ALL, into="in/larger") == (0, "1 file: 1 done before\n")
    assert set(files_in(tmp_path / "in")) == {"a.tif", "larger/a.tif"}


@pytest.mark.needs("zarr")
def test_a_large_image_is_upscaled_by_blocks(tmp_path, call, monkeypatch):
    source = tree_of(tmp_path / "in", "a.tif")
    tiff_of(source / "large.tif", image_of((2, 40, 50)))
    call(*ALL, into="usual")
    monkeypatch.setattr(by_blocks, "_is_too_large", lambda path, scale: path.name == "large.tif")

    code, told = call(*ALL)

    assert code == 0
    assert "large.tif: the result needs up to" in told
    assert files_in(tmp_path / "out").keys() == files_in(tmp_path / "usual").keys()
    np.testing.assert_array_equal(
        tifffile.imread("out/large.tif"), tifffile.imread("usual/large.tif")
    )


STOPPABLE = """
import time
from napari_sr.cli import app
from napari_sr.runs import run

follow = run.drive

def slowly(steps, show=None):
    if show is None:  # no tiles, but the search for a run's settings
        return follow(steps)

    def also(step):
        show(step)
        with open("out/.napari-sr/results.jsonl") as journal:
            if journal.read().count("begun") == 2:
                print("tile", flush=True)
                time.sleep(60)
    return follow(steps, also)

run.drive = slowly
app.main()
"""
"""Says when the first tile of the second image is done, and waits until it is killed."""


@pytest.fixture
def three_images(tmp_path):
    """Return a folder with three images, of which the second has several tiles."""
    source = tree_of(tmp_path / "in", "a.tif", "b.tif", "c.tif")
    tiff_of(source / "b.tif", image_of((3, 40, 50)))
    return source


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")
@pytest.mark.usefixtures("three_images")
def test_the_same_command_goes_on_after_ctrl_c(tmp_path, call, monkeypatch):
    follow = run.drive

    def interrupted(steps, show=None):
        if show is None:
            return follow(steps)

        def also(step):
            show(step)
            if Path("out/.napari-sr/results.jsonl").read_text().count("begun") == 2:
                monkeypatch.setattr(run, "drive", follow)
                os.kill(os.getpid(), signal.SIGINT)

        return follow(steps, also)

    monkeypatch.setattr(run, "drive", interrupted)

    code, told = call(*ALL, "--to", ".tif")

    assert code == 128 + signal.SIGINT
    assert "Stopped: 1 of 3 files are done; repeat the command to continue." in told
    assert "nothing was written" not in told
    assert_it_goes_on(tmp_path, call, ".tif")


@pytest.mark.needs("zarr")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for one process")
@pytest.mark.usefixtures("three_images")
def test_the_same_command_goes_on_after_it_was_killed(tmp_path, call):
    words = ["upscale", "in", "out", *ALL, "--to", ".zarr"]
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPABLE, *words], cwd=tmp_path, text=True, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == "tile\n"
    process.kill()
    process.communicate(timeout=60)

    assert_it_goes_on(tmp_path, call, ".zarr")


def assert_it_goes_on(tmp_path, call, to):
    """Check that the same command computes what is left, and gives what an unbroken one gives."""
    code, told = call(*ALL, "--to", to)

    assert (code, told.splitlines()[-1]) == (0, "3 files: 2 upscaled, 1 done before")
    assert call(*ALL, "--to", to, into="unbroken")[0] == 0
    assert sorted(files_in(tmp_path / "out")) == sorted(files_in(tmp_path / "unbroken"))
    for name in "abc":
        np.testing.assert_array_equal(*(pixels(f"{one}/{name}{to}") for one in ("out", "unbroken")))


def pixels(path):
    return tifffile.imread(path) if path.endswith(".tif") else zarr.open_group(path)["0"][:]


@pytest.mark.parametrize(
    ("words", "into", "what"),
    [
        ((), "out", "in is a folder: say which of its files to upscale"),
        (("--to", ".png"), "out", "in is a folder: say which of its files"),
        (("--pattern", "*.gif"), "out", r"no file in in matches \*\.gif \(--pattern\)"),
        (("--pattern", "/*.tif"), "out", "--pattern needs names below the folder"),
        ((*ALL, "--to", ".gif"), "out", "--to must be one of"),
        ((*ALL, "--part", "1/2"), "out", "--part and --finish are for one image"),
        ((*ALL, "--region", "0", "9", "0", "9"), "out", "--region is for one image"),
        ((*ALL, "--axial", "2", "--workers", "2"), "out", "--axial needs no processes"),
        ((*ALL, "--axial", "2", "--to", ".png"), "out", "--axial writes OME-TIFF or OME-Zarr"),
        ((*ALL, "--model", "nosuch"), "out", "nosuch"),
        ((*ALL, "--device", "abacus"), "out", "abacus"),
        (ALL, "in", "folder of results, in, must not contain"),
        (ALL, ".", r"folder of results, \., must not contain"),
        (ALL, "out.tif", "the results need a folder, too, got out.tif"),
        (ALL, "file", "a folder is needed, but .*file is a file"),
    ],
)
def test_a_wrong_command_computes_nothing(tmp_path, call, words, into, what):
    tree_of(tmp_path / "in", "a.tif")
    (tmp_path / "file").touch()

    code, told = call(*words, into=into)

    assert code == 2
    assert len(told.splitlines()) == 1
    with pytest.raises(ValueError, match=what):
        raise ValueError(told)
    assert set(files_in(tmp_path)) == {"file", "in/a.tif"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path, call, monkeypatch):
    tree_of(tmp_path / "in", "a.tif")

    def refuse(path):
        raise place.FileError(f"the folder {path} cannot be written: Read-only file system")

    monkeypatch.setattr(place, "_try", refuse)
    code, told = call(*ALL)

    assert code == 2
    assert told == f"Error: the folder {tmp_path} cannot be written: Read-only file system\n"


def test_a_result_of_others_is_kept(tmp_path, call):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    image_at(tmp_path / "out" / "a.tif")
    before = files_in(tmp_path / "out")

    for more in ((), ("--overwrite",)):
        code, told = call(*ALL, *more)
        assert code == 2
        assert "Failed: a.tif: out/a.tif exists, but was not written by a run over" in told
    assert files_in(tmp_path / "out")["a.tif"] == before["a.tif"]
    assert "b.tif" in files_in(tmp_path / "out")


def test_options_for_folders_need_one(tmp_path):
    source = image_at(tmp_path / "a.tif")

    assert not folder.wanted(source, [], None)
    for words in ((["*"], None), ([], ".png")):
        with pytest.raises(CommandError, match=r"need a folder, but there is none at .*a\.tif"):
            folder.wanted(source, *words)


def test_a_zarr_is_an_image_unless_a_pattern_is_given(tmp_path):
    (tmp_path / "zarr.json").touch()

    assert not folder.wanted(tmp_path, [], None)
    assert folder.wanted(tmp_path, ["*"], None)


def test_a_signal_is_told_with_the_failures_so_far(capsys):
    report = FolderReport(9, made=["a.tif"], failures={"b.tif": "there is no file in/b.tif"})

    with terminal.bars() as bars:
        stopped = folder._stopped(report, bars, signal.SIGINT)

    assert stopped.code == 130
    assert capsys.readouterr().err == (
        "Stopped: 1 of 9 files are done; repeat the command to continue.\n"
        "Failed: b.tif: there is no file in/b.tif\n"
    )
