"""Other settings, changed sources and unfinished results: what a second run computes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from blocks import SETTINGS, image_of, request_of, run, tiff_of
from folders import files_in, image_at, tree_of

from napari_sr.cli import large, terminal
from napari_sr.cli.folder_batch import Batch, FolderJob
from napari_sr.cli.upscale import Job
from napari_sr.files.folder_journal import journal_of
from napari_sr.runs.model import ModelReference
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.result import complete

MODEL = ModelReference()
NETWORK = MODEL.load()


@contextmanager
def batch_of(tmp_path, **changes):
    """Yield a run of the folder "in" into the folder "out"."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    settings = changes.pop("settings", SETTINGS)
    job = Job(tmp_path / "in", out, MODEL, settings, **changes)
    with terminal.bars() as bars, journal_of(out) as journal:
        yield Batch(FolderJob(job, ["*"]), bars, NETWORK, journal, {})


def upscale(tmp_path, *names, **changes):
    """Run over some sources, each of which becomes a result of its name; return what it told."""
    with batch_of(tmp_path, **changes) as batch:
        pairs = [(PurePosixPath(one), PurePosixPath(one).with_suffix(to)) for one, to in names]
        batch.run(pairs)
        return batch.report(len(pairs))


A, B = ("a.tif", ".tif"), ("b.tif", ".tif")


def test_other_settings_are_told_and_computed_only_on_demand(tmp_path, capsys):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    other = replace(SETTINGS, ensemble=True)
    assert upscale(tmp_path, A, B) == 0
    before = files_in(tmp_path / "out")
    capsys.readouterr()

    assert upscale(tmp_path, A, settings=other) == 2
    told = capsys.readouterr().err
    assert told.startswith("1 file: 1 failed\nFailed: a.tif: ")
    assert "was computed differently: settings.ensemble was false and is true" in told
    assert files_in(tmp_path / "out") == before

    assert upscale(tmp_path, A, settings=other, overwrite=True) == 0
    assert files_in(tmp_path / "out")["a.tif"] != before["a.tif"]
    assert upscale(tmp_path, A, settings=other) == 0
    assert upscale(tmp_path, B, overwrite=True) == 0
    assert capsys.readouterr().err.endswith("1 file: 1 done before\n")


def test_a_changed_source_is_told(tmp_path, capsys):
    tree_of(tmp_path / "in", "a.tif")
    upscale(tmp_path, A)
    image_at(tmp_path / "in" / "a.tif", 7)

    assert upscale(tmp_path, A) == 2
    assert "source.mtime_ns was" in capsys.readouterr().err
    assert upscale(tmp_path, A, overwrite=True) == 0


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_a_killed_run_that_had_written_its_result_is_done(tmp_path, monkeypatch, capsys, suffix):
    tree_of(tmp_path / "in", "a.tif")

    def killed(journal, name):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("napari_sr.files.folder_journal.FolderJournal.done", killed)
        with pytest.raises(KeyboardInterrupt):
            upscale(tmp_path, ("a.tif", suffix))
    store = tmp_path / "out" / "a.tif.unfinished.zarr"
    run(request_of(tmp_path / "in" / "a.tif", store), [])  # as if it had been computed by blocks
    before = files_in(tmp_path / "out" / "a.zarr") if suffix == ".zarr" else None
    capsys.readouterr()

    assert upscale(tmp_path, ("a.tif", suffix)) == 0

    assert capsys.readouterr().err == "1 file: 1 done before\n"
    if suffix == ".tif":
        assert not store.exists()
    else:
        assert files_in(tmp_path / "out" / "a.zarr") == before


def test_an_unfinished_ome_zarr_is_resumed_or_begun_again(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    source = tiff_of(tmp_path / "in" / "a.tif", image_of((2, 40, 50)))
    target = tmp_path / "out" / "a.zarr"
    with batch_of(tmp_path) as batch:
        batch._journal.begin("a.zarr", {}, {})
    run(request_of(source, target), [0])
    assert Journal(target).exists

    assert upscale(tmp_path, ("a.tif", ".zarr")) == 0

    assert "a.tif: resumed: 1 of 2 blocks are done" in capsys.readouterr().err
    assert not Journal(target).exists


def test_an_unfinished_ome_zarr_of_another_source_needs_overwrite(tmp_path, capsys):
    tree_of(tmp_path / "in", "a.tif")
    target = tmp_path / "out" / "a.zarr"
    with batch_of(tmp_path) as batch:
        batch._journal.begin("a.zarr", {}, {})
    run(request_of(tmp_path / "in" / "a.tif", target), [])
    image_at(tmp_path / "in" / "a.tif", 7)

    assert upscale(tmp_path, ("a.tif", ".zarr")) == 2
    assert "a.tif has changed since the result was begun" in capsys.readouterr().err
    assert upscale(tmp_path, ("a.tif", ".zarr"), overwrite=True) == 0
    assert not Journal(target).exists


@pytest.mark.parametrize("name", ["a.zarr", "a.tif"])
def test_a_store_that_was_only_created_is_begun_again(tmp_path, monkeypatch, name):
    monkeypatch.setattr(large, "_is_too_large", lambda path, scale: True)
    tree_of(tmp_path / "in", "a.tif")
    store = large.store_of(tmp_path / "out" / name)
    with batch_of(tmp_path) as batch:
        batch._journal.begin(name, {}, {})
    run(request_of(tmp_path / "in" / "a.tif", store), [])
    Journal(store).remove()

    assert upscale(tmp_path, ("a.tif", name[1:])) == 0
    assert (tmp_path / "out" / name).exists()
    assert name == "a.zarr" or not store.exists()


def test_a_journal_that_a_kill_left_in_a_complete_result_is_removed(tmp_path):
    tree_of(tmp_path / "in", "a.tif")
    target = tmp_path / "out" / "a.zarr"
    with batch_of(tmp_path) as batch:
        batch._journal.begin("a.zarr", {}, {})
    run(request_of(tmp_path / "in" / "a.tif", target), [0])
    complete(target)

    assert upscale(tmp_path, ("a.tif", ".zarr")) == 0
    assert not Journal(target).exists


def test_a_signal_is_told_with_the_failures_so_far(tmp_path, capsys):
    tree_of(tmp_path / "in", "a.tif")
    with batch_of(tmp_path) as batch:
        batch.run([(PurePosixPath("a.tif"), PurePosixPath("a.tif"))])
        batch.run([(PurePosixPath("b.tif"), PurePosixPath("b.tif"))])
        stopped = batch.stopped(2, 9)

    assert stopped.code == 130
    assert capsys.readouterr().err == (
        "Stopped: 1 of 9 files are done; repeat the command to continue.\n"
        f"Failed: b.tif: there is no file {tmp_path / 'in' / 'b.tif'}\n"
    )


def test_the_network_is_loaded_once(tmp_path, monkeypatch):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    monkeypatch.setattr(ModelReference, "load", lambda *words: pytest.fail("loaded again"))

    assert upscale(tmp_path, A, B) == 0
