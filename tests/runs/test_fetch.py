"""A download tells its steps, and ends where it is closed."""

from __future__ import annotations

import threading

import pytest
from fakes import finish

from napari_sr.runs.fetch import fetch_steps
from napari_sr.zoo import download, registry


@pytest.fixture
def entry():
    return registry.find("bsrn-x4")


def test_what_is_here_is_not_fetched(monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("fetched"))

    told, _ = finish(fetch_steps(registry.find("fsrcnn-x2")))

    assert told == []


def test_bytes_are_told_while_they_come(entry, monkeypatch):
    go_on = threading.Event()

    def fetch(entry, watch):
        watch(700, entry.size)
        assert go_on.wait(10)

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)
    steps = fetch_steps(entry)

    seen = next(told for told in steps if told[0])
    go_on.set()

    assert seen == (700, entry.size)
    finish(steps)


def test_closing_it_ends_the_download(entry, monkeypatch):
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


def test_a_download_that_fails_raises_its_reason(entry, monkeypatch):
    def fetch(entry, watch):
        raise download.DownloadError("there is no connection to the server")

    monkeypatch.setattr(download, "local_path", lambda entry: None)
    monkeypatch.setattr(download, "fetch", fetch)

    with pytest.raises(download.DownloadError, match="no connection"):
        finish(fetch_steps(entry))
