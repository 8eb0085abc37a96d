"""Work in a thread that another thread cancels."""

from __future__ import annotations

import time
from threading import Event

import pytest

from napari_sr.zoo import cancelling
from napari_sr.zoo.cancelling import (
    CancelledError,
    cancelled_if,
    check_cancelled,
    stopped_if_cancelled,
)


def test_only_cancelled_work_raises_an_error():
    cancelled = Event()

    check_cancelled()
    with cancelled_if(cancelled.is_set):
        check_cancelled()
        cancelled.set()
        with pytest.raises(CancelledError):
            check_cancelled()
    check_cancelled()


def test_a_call_that_blocks_is_stopped_from_outside(monkeypatch):
    monkeypatch.setattr(cancelling, "PAUSE", 0.001)
    cancelled, stopped = Event(), Event()

    def block():
        cancelled.set()
        assert stopped.wait(5)
        raise ValueError("stopped")

    with (
        cancelled_if(cancelled.is_set),
        pytest.raises(CancelledError),
        stopped_if_cancelled(stopped.set),
    ):
        block()


def test_a_call_that_is_not_cancelled_returns_at_once():
    stopped, before = Event(), time.monotonic()

    with cancelled_if(lambda: False), stopped_if_cancelled(stopped.set):
        pass

    assert not stopped.is_set()
    assert time.monotonic() - before < cancelling.PAUSE
