"""A download reports its progress, and stops when it is closed."""

from __future__ import annotations

import threading

import pytest
from fakes import finish

from napari_sr.runs.fetch import fetch_steps
from napari_sr.zoo import download, registry


@pytest.fixture
def entry():
    return registry.find("bsrn-x4")


def test_an_existing_file_is_not_downloaded(monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("fetched"))

    steps, _ = finish(fetch_steps(registry.find("fsrcnn-x2")))

    assert steps == []


def test_bytes_are_reported_during_the_download(entry, monkeypatch):
    go_on = threading.Event()

    def fetch(entry, watch):
        watch(700, entry.size)
        assert go_on.wait(10)

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)
    steps = fetch_steps(entry)

    seen = next(step for step in steps if step[0])
    go_on.set()

    assert seen == (700, entry.size)
    finish(steps)


def test_closing_stops_the_download(entry, monkeypatch):
    ended = []

    def fetch(entry, watch):
        try:
            while True:
                watch(1, entry.size)
        finally:
            ended.append(True)

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)
    steps = fetch_steps(entry)
    next(steps)

    steps.close()

    assert ended == [True]


def test_a_download_that_fails_raises_its_error(entry, monkeypatch):
    def fetch(entry, watch):
        raise download.DownloadError("there is no connection to the server")

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)

    with pytest.raises(download.DownloadError, match="no connection"):
        finish(fetch_steps(entry))
