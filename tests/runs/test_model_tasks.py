"""Models are downloaded, timed, imported and removed, one after the other."""

from __future__ import annotations

import pytest
import torch
from fakes import finish

from napari_sr import models
from napari_sr.runs import model_speed
from napari_sr.runs.job import UpscaleError
from napari_sr.runs.model_list import IMPORTED
from napari_sr.runs.model_table import rows
from napari_sr.runs.model_tasks import download_models, import_files, measure_models, remove_files
from napari_sr.zoo import download, registry, trained


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(trained.VARIABLE, str(tmp_path / "networks"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    return tmp_path


@pytest.fixture
def entries():
    return [registry.find("bsrn-x2"), registry.find("bsrn-x4")]


def row(name):
    return next(one for one in rows() if one.model.name == name)


def test_one_model_after_the_other_is_downloaded(entries, monkeypatch):
    fetched = []
    monkeypatch.setattr(download, "fetch", lambda entry, watch: fetched.append(entry.name))

    _, result = finish(download_models(entries))

    assert fetched == ["bsrn-x2", "bsrn-x4"]
    assert result == "Downloaded 2 files"
    assert finish(download_models(entries[:1]))[1] == "Downloaded BSRN x2"


def test_the_bytes_of_all_files_are_counted(entries, monkeypatch):
    def steps(entry):
        yield 0, entry.size
        yield entry.size, entry.size

    monkeypatch.setattr("napari_sr.runs.model_tasks.fetch_steps", steps)
    total = sum(entry.size for entry in entries)

    found, _ = finish(download_models(entries))

    assert [(step.done, step.total) for step in found] == [
        (0, total), (entries[0].size, total), (entries[0].size, total), (total, total),
    ]  # fmt: skip
    assert found[1].doing == "Downloading BSRN x2: 1.4 MB of 3.0 MB"


def test_a_download_that_fails_ends_all(entries, monkeypatch):
    asked = []

    def fetch(entry, watch):
        asked.append(entry.name)
        raise download.DownloadError("there is no connection to the server")

    monkeypatch.setattr(download, "fetch", fetch)

    with pytest.raises(download.DownloadError, match="no connection"):
        finish(download_models(entries))

    assert asked == ["bsrn-x2"]


def test_models_that_are_here_are_timed_at_each_scale(monkeypatch):
    timed = []
    monkeypatch.setattr(model_speed, "measure", timed.append)

    steps, result = finish(measure_models([row("bsrn"), row("edsr-slim")]))

    scales = (2, 3, 4)
    assert [reference.name for reference in timed] == [f"edsr-slim-x{one}" for one in scales]
    assert [step.doing for step in steps] == [f"Timing EDSR slim x{one} …" for one in scales]
    assert result == "Timed 3 models"


def test_closing_ends_the_timing_after_a_model(monkeypatch):
    timed = []
    monkeypatch.setattr(model_speed, "measure", timed.append)
    steps = measure_models([row("fsrcnn")])
    next(steps)
    next(steps)

    steps.close()

    assert len(timed) == 1


def test_a_model_that_stops_is_named(monkeypatch):
    def measure(reference):
        raise RuntimeError("no kernel")

    monkeypatch.setattr(model_speed, "measure", measure)

    with pytest.raises(UpscaleError, match="FSRCNN x2 stopped: no kernel"):
        finish(measure_models([row("fsrcnn")]))


def test_a_bad_file_gets_its_sentence_and_the_others_are_imported(tmp_path):
    record = models.architecture("fsrcnn")
    torch.save(record.network(**record.example).state_dict(), tmp_path / "good.pth")
    (tmp_path / "bad.pth").write_text("nothing")

    result = import_files([tmp_path / "bad.pth", tmp_path / "good.pth", tmp_path / "none.pth"])

    assert [path.name for path in result.paths] == ["good.pth"]
    assert len(result.problems) == 2
    assert result.problems[0].startswith("Cannot import bad.pth: ")
    assert "there is no checkpoint file" in result.problems[1]


def test_downloads_and_imported_files_are_removed_and_nothing_else(folders, monkeypatch):
    record = models.architecture("fsrcnn")
    torch.save(record.network(**record.example).state_dict(), folders / "good.pth")
    import_files([folders / "good.pth"])
    cached = folders / "cache" / "bsrn-x4.pth"
    cached.parent.mkdir()
    cached.write_bytes(b"x")
    real = download.local_path
    monkeypatch.setattr(
        download, "local_path", lambda entry: cached if entry.name == "bsrn-x4" else real(entry)
    )
    imported = next(one for one in rows() if one.model.heading == IMPORTED)

    count = remove_files([row("fsrcnn"), row("bsrn"), imported])

    assert count == 2
    assert not cached.exists()
    assert list((folders / "networks").iterdir()) == []
    assert (folders / "good.pth").exists()
    assert row("fsrcnn").is_installed
