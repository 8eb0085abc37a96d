"""Other settings, changed sources and unfinished results: what a second run computes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from blocks import SETTINGS, image_of, request_of, run, tiff_of
from folders import files_in, image_at, tree_of

from napari_sr.batch import by_blocks
from napari_sr.batch.folder import folder_run
from napari_sr.batch.folder_plan import FolderJob, FolderPlan
from napari_sr.batch.job import FileJob
from napari_sr.runs.model import ModelReference
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.result import complete

MODEL = ModelReference()
NETWORK = MODEL.load()


@contextmanager
def run_of(tmp_path, *names, **changes):
    """Yield a run from "in" to "out" over some sources, each with its result's suffix."""
    settings = changes.pop("settings", SETTINGS)
    job = FileJob(tmp_path / "in", tmp_path / "out", MODEL, settings, **changes)
    pairs = [(PurePosixPath(one), PurePosixPath(one).with_suffix(to)) for one, to in names]
    with folder_run(FolderJob(job, ["*"]), NETWORK, FolderPlan(pairs, {})) as found:
        yield found


def upscale(tmp_path, *names, **changes):
    """Run over some sources; return the report, and what it told about them."""
    told = []
    with run_of(tmp_path, *names, **changes) as found:
        for source, result in found.results:
            told += [step.message for step in found.upscale(source, result) if step.message]
    return found.report, told


def begun(tmp_path, name):
    """Note in the journal that a result was begun."""
    with run_of(tmp_path) as found:
        found._journal.begin(name, {}, {})


A, B = ("a.tif", ".tif"), ("b.tif", ".tif")


def test_other_settings_are_told_and_computed_only_on_demand(tmp_path):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    other = replace(SETTINGS, ensemble=True)
    assert upscale(tmp_path, A, B)[0].made == ["a.tif", "b.tif"]
    before = files_in(tmp_path / "out")

    report, _ = upscale(tmp_path, A, settings=other)
    assert report.counts == "1 file: 1 failed"
    assert list(report.failures) == ["a.tif"]
    assert "was computed differently: settings.ensemble was false and is true" in report.failed[0]
    assert files_in(tmp_path / "out") == before

    assert upscale(tmp_path, A, settings=other, overwrite=True)[0].made == ["a.tif"]
    assert files_in(tmp_path / "out")["a.tif"] != before["a.tif"]
    assert upscale(tmp_path, A, settings=other)[0].kept == ["a.tif"]
    assert upscale(tmp_path, B, overwrite=True)[0].counts == "1 file: 1 done before"


def test_a_changed_source_is_told(tmp_path):
    tree_of(tmp_path / "in", "a.tif")
    upscale(tmp_path, A)
    image_at(tmp_path / "in" / "a.tif", 7)

    assert "source.mtime_ns was" in upscale(tmp_path, A)[0].failures["a.tif"]
    assert upscale(tmp_path, A, overwrite=True)[0].made == ["a.tif"]


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_a_killed_run_that_had_written_its_result_is_done(tmp_path, monkeypatch, suffix):
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

    assert upscale(tmp_path, ("a.tif", suffix))[0].kept == ["a.tif"]

    if suffix == ".tif":
        assert not store.exists()
    else:
        assert files_in(tmp_path / "out" / "a.zarr") == before


@pytest.mark.needs("zarr")
def test_an_unfinished_ome_zarr_is_resumed_or_begun_again(tmp_path):
    (tmp_path / "in").mkdir()
    source = tiff_of(tmp_path / "in" / "a.tif", image_of((2, 40, 50)))
    target = tmp_path / "out" / "a.zarr"
    begun(tmp_path, "a.zarr")
    run(request_of(source, target), [0])
    assert Journal(target).exists

    report, told = upscale(tmp_path, ("a.tif", ".zarr"))

    assert report.made == ["a.tif"]
    assert any("resumed: 1 of 2 blocks are done" in one for one in told)
    assert not Journal(target).exists


@pytest.mark.needs("zarr")
def test_an_unfinished_ome_zarr_of_another_source_needs_overwrite(tmp_path):
    tree_of(tmp_path / "in", "a.tif")
    target = tmp_path / "out" / "a.zarr"
    begun(tmp_path, "a.zarr")
    run(request_of(tmp_path / "in" / "a.tif", target), [])
    image_at(tmp_path / "in" / "a.tif", 7)

    report, _ = upscale(tmp_path, ("a.tif", ".zarr"))
    assert "a.tif has changed since the result was begun" in report.failures["a.tif"]
    assert upscale(tmp_path, ("a.tif", ".zarr"), overwrite=True)[0].made == ["a.tif"]
    assert not Journal(target).exists


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("name", ["a.zarr", "a.tif"])
def test_a_store_that_was_only_created_is_begun_again(tmp_path, monkeypatch, name):
    monkeypatch.setattr(by_blocks, "_is_too_large", lambda path, scale: True)
    tree_of(tmp_path / "in", "a.tif")
    store = by_blocks.store_of(tmp_path / "out" / name)
    begun(tmp_path, name)
    run(request_of(tmp_path / "in" / "a.tif", store), [])
    Journal(store).remove()

    assert upscale(tmp_path, ("a.tif", name[1:]))[0].made == ["a.tif"]
    assert (tmp_path / "out" / name).exists()
    assert name == "a.zarr" or not store.exists()


@pytest.mark.needs("zarr")
def test_a_journal_that_a_kill_left_in_a_complete_result_is_removed(tmp_path):
    tree_of(tmp_path / "in", "a.tif")
    target = tmp_path / "out" / "a.zarr"
    begun(tmp_path, "a.zarr")
    run(request_of(tmp_path / "in" / "a.tif", target), [0])
    complete(target)

    assert upscale(tmp_path, ("a.tif", ".zarr"))[0].made == ["a.tif"]
    assert not Journal(target).exists


def test_the_network_is_loaded_once(tmp_path, monkeypatch):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    monkeypatch.setattr(ModelReference, "load", lambda *words: pytest.fail("loaded again"))

    assert upscale(tmp_path, A, B)[0].done == 2


def test_a_cancelled_image_leaves_no_result_and_is_done_by_the_next_run(tmp_path):
    tree_of(tmp_path / "in", "a.tif", "b.tif")
    with run_of(tmp_path, A, B) as found:
        for _ in found.upscale(*found.results[0]):
            pass
        steps = found.upscale(*found.results[1])
        next(steps)
        steps.close()

    assert found.report.counts == "2 files: 1 upscaled, 1 failed"
    assert set(files_in(tmp_path / "out")) == {"a.tif"}
    report, _ = upscale(tmp_path, A, B)
    assert (report.kept, report.made) == (["a.tif"], ["b.tif"])
