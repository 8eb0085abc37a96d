"""Memory that segments keep is freed after a while without a run."""

from __future__ import annotations

import pytest

from napari_sr.engine.backends.kept_memory import IDLE, KeptMemory


class FakeTimer:
    """A timer that fires when a test says so."""

    def __init__(self, seconds, function, arguments):
        self.seconds, self.running = seconds, False
        self._call = lambda: function(*arguments)

    def start(self):
        assert self.daemon
        self.running = True

    def cancel(self):
        self.running = False

    def fire(self):
        if self.running:
            self._call()


@pytest.fixture
def timers():
    return []


@pytest.fixture
def kept(timers):
    def timer(*arguments):
        timers.append(FakeTimer(*arguments))
        return timers[-1]

    return KeptMemory(timer)


def test_memory_is_freed_once_when_nobody_uses_it(kept, timers):
    freed = []
    kept.free_later("a", freed.append)
    kept.free_later("b", freed.append)
    assert freed == []

    timers[0].fire()

    assert freed == ["a"]
    assert timers[0].seconds == IDLE


def test_memory_that_is_used_again_stays_for_the_whole_time_after_the_last_use(kept, timers):
    freed = []
    kept.free_later("a", freed.append)
    kept.use("a")
    timers[0].fire()
    assert freed == []

    kept.free_later("a", freed.append)
    kept.free_later("a", freed.append)
    for timer in timers:
        timer.fire()

    assert freed == ["a"]


def test_a_timer_that_fires_while_a_run_begins_frees_nothing(kept, timers):
    freed = []
    kept.free_later("a", freed.append)
    kept.use("a")
    timers[0].running = True  # it had fired already, so cancelling it came too late
    timers[0].fire()
    kept.free_later("a", freed.append)
    timers[0].fire()
    assert freed == []

    timers[1].fire()
    assert freed == ["a"]


def test_memory_is_freed_at_once_if_no_thread_can_start(kept, monkeypatch):
    def start(timer):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(FakeTimer, "start", start)
    freed = []
    kept.free_later("a", freed.append)

    assert freed == ["a"]
    assert kept._timers == {}
