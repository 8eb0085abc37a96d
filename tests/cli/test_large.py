import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
import zarr
from blocks import image_of, tiff_of, two_files

from napari_sr.cli import app
from napari_sr.runs import run
from napari_sr.streaming import result
from napari_sr.streaming.journal import Journal


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.tif", image_of())


# a shell's job in the background ignores SIGINT, and so do its children
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from napari_sr.cli import app
app.main()
"""


def command(*words):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "upscale", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the command in this process; return its exit code and what it told."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["napari-sr", "upscale", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        result.opened.cache_clear()
        return ended.value.code, capfd.readouterr().err

    return call


def pixels(path):
    return zarr.open_group(path, mode="r")["0"][:]


@pytest.mark.needs("zarr")
def test_an_ome_zarr_and_a_tiff_hold_the_same(source, tmp_path, call):
    assert call(source, tmp_path / "a.zarr")[0] == 0
    assert call(source, tmp_path / "a.tif", "--resume")[0] == 0
    assert call(tmp_path / "a.zarr", tmp_path / "again.zarr", "--ome-zarr", "0.4")[0] == 0

    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels(tmp_path / "a.zarr"))
    assert pixels(tmp_path / "again.zarr").shape == (2, 600, 680)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.tif", "a.zarr", "again.zarr", "in.tif",
    ]  # fmt: skip


@pytest.mark.needs("zarr")
def test_parts_are_finished_by_one_more_command(source, tmp_path, call):
    out = tmp_path / "a.zarr"
    other = command(source, out, "--part", "1/2")
    assert call(source, out, "--part", "2/2")[0] == 0
    assert other.wait(120) == 0
    assert Journal(out).exists

    code, told = call(source, out, "--finish")

    assert (code, told) == (0, "")
    assert not Journal(out).exists
    whole = tmp_path / "b.zarr"
    assert call(source, whole)[0] == 0
    np.testing.assert_array_equal(pixels(out), pixels(whole))


@pytest.mark.needs("zarr")
def test_a_missing_part_is_told(source, tmp_path, call):
    call(source, tmp_path / "a.zarr", "--part", "1/2")

    code, told = call(source, tmp_path / "a.zarr", "--finish")

    assert code == 2
    assert "blocks, the first is number" in told


@pytest.mark.needs("zarr")
def test_a_shard_that_cannot_be_read_is_computed_again(source, tmp_path, call):
    out = tmp_path / "a.zarr"
    assert call(source, out, "--part", "1/1")[0] == 0
    file = out / "0" / "c" / "1" / "0" / "0"
    file.write_bytes(file.read_bytes()[:-40] + bytes(40))

    code, told = call(source, out, "--finish")
    again = call(source, out, "--resume")

    assert code == 2
    assert "1 of 2 finished blocks in" in told
    assert "could not be read, and were removed: --resume computes them again" in told
    assert again[0] == 0
    assert call(source, tmp_path / "b.zarr")[0] == 0
    np.testing.assert_array_equal(pixels(out), pixels(tmp_path / "b.zarr"))


@pytest.mark.needs("zarr")
def test_one_ctrl_c_stops_a_run_that_is_resumed(source, tmp_path, call, monkeypatch):
    out, follow = tmp_path / "a.zarr", run.drive

    def interrupted(steps, show):
        def also(step):
            show(step)
            if list(out.glob(".napari-sr/*.done")):
                monkeypatch.setattr(run, "drive", follow)
                os.kill(os.getpid(), signal.SIGINT)

        return follow(steps, also)

    monkeypatch.setattr(run, "drive", interrupted)

    code, told = call(source, out)

    assert code == 128 + signal.SIGINT
    assert f"Stopped: {out} is unfinished; --resume continues it." in told
    assert_resumable(source, out, call)


@pytest.mark.needs("zarr")
def test_a_killed_run_is_resumed(tmp_path, call):
    source = tiff_of(tmp_path / "large.tif", image_of((4, 300, 340)))  # not done when it is killed
    out = tmp_path / "a.zarr"
    process = command(source, out)
    end = time.monotonic() + 60
    while time.monotonic() < end and not list(out.glob(".napari-sr/*.done")):
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)

    assert_resumable(source, out, call)


def assert_resumable(source, out, call):
    """Check that a resumed run reuses finished blocks, and gives what an unbroken one gives."""
    code, told = call(source, out, "--resume")

    assert code == 0
    assert "resumed: " in told
    whole = out.with_name("b.zarr")
    assert call(source, whole)[0] == 0
    np.testing.assert_array_equal(pixels(out), pixels(whole))
    assert not list(out.rglob("*.partial"))


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_ctrl_c_again_and_again_is_told_as_once(tmp_path, call, more):
    source = tiff_of(tmp_path / "large.tif", image_of((4, 300, 340)))
    out = tmp_path / "a.zarr"
    process = command(source, out, *more)
    end = time.monotonic() + 60
    while time.monotonic() < end and not list(out.glob(".napari-sr/*.done")):
        time.sleep(0.02)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)

    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert told.splitlines()[-1] == f"Stopped: {out} is unfinished; --resume continues it."
    assert "Traceback" not in told
    assert call(source, out, "--resume")[0] == 0


def test_a_file_is_never_replaced_by_its_own_result(source, call):
    before = source.read_bytes()

    code, told = call(source, source, "--workers", "1", "--overwrite")

    assert (code, "in.tif is the image to upscale" in told) == (2, True)
    assert source.read_bytes() == before


@pytest.mark.parametrize("more", [(), ("--workers", "1")], ids=["whole", "blocks"])
def test_another_file_of_the_source_is_never_replaced(tmp_path, call, more):
    first, second = two_files(tmp_path, image_of((2, 40, 50)))
    before = second.read_bytes()

    code, told = call(first, second, "--overwrite", *more)

    assert (code, "1.ome.tif is the image to upscale" in told) == (2, True)
    assert second.read_bytes() == before


@pytest.mark.parametrize("name", ["a.gz", "a.zip", "."])
def test_a_target_of_another_kind_is_told_before_the_run(source, tmp_path, call, name):
    code, told = call(source, tmp_path / name, "--workers", "1")

    assert code == 2
    assert "must end in one of .zarr, .tif," in told
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


@pytest.mark.needs("zarr")
def test_axes_may_be_named_in_small_letters(source, tmp_path, call):
    assert call(source, tmp_path / "a.zarr", "--axes", "tyx")[0] == 0
    assert zarr.open_group(tmp_path / "a.zarr", mode="r")["0"].metadata.dimension_names[0] == "t"
