"""Models are downloaded for later, and copied for another machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_sr.runs import prefetch as module
from napari_sr.runs.prefetch import downloadable, prefetch, prefetch_steps
from napari_sr.zoo import download


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Let downloads write the model's name into a file; return what was downloaded."""
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    asked = []

    def fetch(entry, watch=None):
        path = download.cache_folder() / entry.file
        if not path.exists():
            if entry.name in server.broken:
                raise download.DownloadError(f"could not download {entry.name}")
            asked.append(entry.name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(entry.name)
        return path

    server.broken = set()
    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(
        download,
        "local_path",
        lambda entry: path if (path := download.cache_folder() / entry.file).exists() else None,
    )
    return asked


def names(count):
    return [entry.name for entry in downloadable()[:count]]


def test_models_are_downloaded_once(server):
    first, second = names(2)

    found = prefetch([first, second])
    again = prefetch([second])

    assert server == [first, second]
    assert set(found.files) == {first, second}
    assert found.files[second] == again.files[second]
    assert again.files[second].read_text() == second


def test_a_folder_gets_copies(server, tmp_path):
    (first,) = names(1)

    found = prefetch([first], tmp_path / "new" / "mirror")

    assert found.files[first].parent == tmp_path / "new" / "mirror"
    assert found.files[first].read_text() == first
    assert prefetch([first], tmp_path / "cache").files[first].read_text() == first  # onto itself


def test_a_folder_lists_the_licences_of_all_its_models(server, tmp_path, monkeypatch):
    first, second = names(2)
    monkeypatch.setattr(download, "is_file_of", lambda path, entry: path.is_file())

    prefetch([first], tmp_path / "mirror")
    prefetch([second], tmp_path / "mirror")

    licences = (tmp_path / "mirror" / "LICENCES.md").read_text()
    assert f"(`{first}`)" in licences
    assert f"(`{second}`)" in licences


def test_one_that_fails_does_not_stop_the_others(server, monkeypatch):
    first, second = names(2)
    globals()["server"].broken = {first}

    found = prefetch([first, second])

    assert list(found.files) == [second]
    assert found.failures == {first: f"could not download {first}"}


def test_an_unknown_name_is_refused_before_anything_is_downloaded(server):
    with pytest.raises(ValueError, match="no model is called 'nosuch'"):
        prefetch([*names(1), "nosuch"])

    assert server == []


def test_progress_counts_the_bytes_of_all(server):
    entries = downloadable()[:2]

    steps = list(prefetch_steps([entry.name for entry in entries]))

    assert steps[-1].done == steps[-1].total == sum(entry.size for entry in entries)


def test_shipped_models_are_not_offered_and_not_copied(server, tmp_path, monkeypatch):
    shipped = replace(downloadable()[0], name="shipped", url=None)
    monkeypatch.setattr(module.registry, "entries", lambda: [shipped])
    monkeypatch.setattr(module.registry, "find", lambda name: shipped)

    assert downloadable() == []
    prefetch(["shipped"], tmp_path / "mirror")
    assert list((tmp_path / "mirror").iterdir()) == []
