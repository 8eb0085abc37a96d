from __future__ import annotations

import gc
import os
import threading
import weakref

import pytest
from forms import PATIENCE
from napari.utils import progress
from qtpy import API
from qtpy.QtCore import QThreadPool
from superqt.utils import WorkerBase

from napari_sr.engine.execution.background import PRIORITIES_ARE_INHERITED
from napari_sr.runs.job import Step
from napari_sr.widgets.common import worker as module
from napari_sr.widgets.common.worker import ActivityBar, ThreadCall, call_in_thread, create_run
from napari_sr.zoo.cancelling import stopped_if_cancelled


@pytest.fixture(autouse=True)
def _no_worker_left():
    yield
    WorkerBase.await_workers(PATIENCE)


def test_a_run_that_is_quit_closes_its_generator(qtbot):
    happened = []

    def run():
        try:
            while True:
                happened.append("step")
                yield Step(0, 0, "working")
        finally:
            happened.append("closed")

    worker = create_run(run)
    with qtbot.waitSignal(worker.yielded, timeout=PATIENCE):
        worker.start()

    with qtbot.waitSignal(worker.finished, timeout=PATIENCE):
        worker.quit()

    # though the worker, which holds it, is still alive
    assert happened[-1] == "closed"


def test_a_step_that_never_ends_by_itself_can_be_quit(qtbot):
    begun, stopped, told = threading.Event(), threading.Event(), []

    def blocked():
        yield 0
        with stopped_if_cancelled(stopped.set):
            begun.set()
            assert stopped.wait(10)

    worker = create_run(
        blocked, aborted=lambda: told.append("aborted"), errored=told.append, returned=told.append
    )
    with qtbot.waitSignal(worker.finished, timeout=20_000):
        worker.start()
        qtbot.waitUntil(begun.is_set, timeout=10_000)
        worker.quit()

    assert told == ["aborted"]


@pytest.mark.parametrize("cancelled", [False, True])
def test_nothing_keeps_a_run_that_has_ended(make_napari_viewer, qtbot, cancelled):
    viewer = make_napari_viewer()
    listed = viewer.window._task_status_manager._tasks
    before = len(listed)

    def run():
        while True:
            yield Step(0, 0, "working")
            if not cancelled:
                return

    worker = create_run(run)
    viewer.window._qt_window.destroyed.connect(worker.quit)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE):
        worker.start()
        if cancelled:
            worker.quit()
    kept = weakref.ref(worker)
    del worker

    def is_gone():
        gc.collect()
        return kept() is None

    qtbot.waitUntil(is_gone, timeout=PATIENCE)
    assert len(listed) == before + 1  # napari could have ended it


def test_napari_can_end_a_run_of_its_list(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()

    def run():
        while True:
            yield Step(0, 0, "working")

    worker = create_run(run)
    with qtbot.waitSignal(worker.aborted, timeout=PATIENCE):
        worker.start()
        viewer.window._task_status_manager.cancel_all()


def test_a_call_in_a_thread_returns_its_result(qtbot):
    brought = []

    call_in_thread(sum, [1, 2, 3], returned=brought.append)

    qtbot.waitUntil(lambda: brought == [6], timeout=PATIENCE)


def test_calls_without_torch_do_not_wait_until_it_is_imported(qtbot, monkeypatch):
    gate, brought = threading.Event(), []
    monkeypatch.setattr(module, "import_engine", lambda: gate.wait(PATIENCE / 1000))
    for _ in range(QThreadPool.globalInstance().maxThreadCount()):
        call_in_thread(sum, [1], returned=brought.append)
    qtbot.wait(20)

    call_in_thread(sum, [2], engine=False, returned=brought.append)

    try:
        qtbot.waitUntil(lambda: brought == [2], timeout=PATIENCE)
    finally:
        gate.set()
    qtbot.waitUntil(lambda: set(brought) == {1, 2}, timeout=PATIENCE)


def test_a_call_that_fails_returns_its_error(qtbot):
    told = []

    call_in_thread(int, "seven", errored=told.append)

    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert "seven" in str(told[0])


def test_the_bar_stands_in_the_activity_dock_until_it_is_closed():
    bar = ActivityBar("FSRCNN x2", lambda: None)
    standing = bar in progress._all_instances

    bar.close()

    assert standing
    assert bar not in progress._all_instances


def test_the_docks_cancel_button_ends_the_run():
    ended = []
    bar = ActivityBar("FSRCNN x2", lambda: ended.append(1))

    bar.cancel()
    bar.close()

    assert ended == [1]
    assert bar.is_canceled


def test_the_bar_follows_a_total_that_changes():
    bar = ActivityBar("FSRCNN x2", lambda: None)

    bar.show(Step(5, 6, ""))
    bar.show(Step(2, 24, ""))  # tiles were halved
    shown = bar.n, bar.total
    bar.close()

    assert shown == (2, 24)


def test_any_generator_can_be_driven(qtbot):
    def count(limit):
        yield from range(limit)
        return "done"

    told, brought = [], []

    worker = create_run(count, 3, yielded=told.append, returned=brought.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE):
        worker.start()

    assert (told, brought) == ([0, 1, 2], ["done"])


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt()])
def test_what_asks_python_to_exit_ends_the_run_only(qtbot, error):
    def leave():
        yield 1
        raise error

    told = []
    worker = create_run(leave, errored=told.append)

    with qtbot.waitSignal(worker.finished, timeout=PATIENCE):
        worker.start()

    assert type(error).__name__ in str(told[0])


@pytest.mark.skipif(not PRIORITIES_ARE_INHERITED, reason="threads have no priority of their own")
def test_a_run_gives_way_to_the_window(qtbot):
    def priority():
        yield os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    told = []
    worker = create_run(priority, yielded=told.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE):
        worker.start()

    assert told[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.parametrize("kind", ["call", "run"])
def test_a_worker_may_end_after_the_window(kind, qapp):
    def fail():
        raise ValueError("too late")

    def fail_in_steps():
        yield fail()

    worker = ThreadCall(fail) if kind == "call" else create_run(fail_in_steps)
    delete_signals(worker)

    worker.run()  # Qt would end the process on any error


def delete_signals(worker):
    """Delete the Qt object of a worker's signals, as a window does at its end."""
    if API == "pyqt6":
        from PyQt6 import sip

        sip.delete(worker.signals)
    else:
        import shiboken6

        shiboken6.delete(worker.signals)


@pytest.fixture
def counting(qtbot):
    """Return a worker that counts, what it yielded, and signals that it told, in their order."""
    told = []

    def run():
        number = 0
        while True:
            number += 1
            yield number

    worker = create_run(
        run,
        yielded=told.append,
        paused=lambda: told.append("paused"),
        resumed=lambda: told.append("resumed"),
    )
    yield worker, told
    worker.quit()


def test_a_paused_run_stands_still_until_it_is_resumed(counting, qtbot):
    worker, told = counting
    worker.start()
    with qtbot.waitSignal(worker.paused, timeout=PATIENCE):
        worker.pause()
    qtbot.wait(30)
    still = list(told)

    worker.resume()
    qtbot.waitUntil(lambda: len(told) > len(still) + 1, timeout=PATIENCE)

    assert still[-1] == "paused"
    assert told[len(still)] == "resumed"
    numbers = [one for one in told if isinstance(one, int)]
    assert numbers == [*range(1, len(numbers) + 1)]  # nothing is left out or repeated


@pytest.mark.parametrize(("clicks", "paused"), [("PR", False), ("PRP", True), ("RP", True)])
def test_the_last_click_before_a_pause_decides(counting, qtbot, clicks, paused):
    worker, told = counting
    for click in clicks:
        (worker.pause if click == "P" else worker.resume)()
    worker.start()

    qtbot.waitUntil(lambda: 3 in told or "paused" in told, timeout=PATIENCE)

    assert worker.is_paused == paused


def test_a_paused_run_can_be_quit(counting, qtbot):
    worker, _ = counting
    worker.pause()
    with qtbot.waitSignal(worker.paused, timeout=PATIENCE):
        worker.start()

    with qtbot.waitSignals([worker.aborted, worker.finished], timeout=PATIENCE):
        worker.quit()


def test_the_bar_says_that_it_is_paused_and_does_not_count_the_pause(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("napari_sr.widgets.common.worker.time.time", lambda: now[0])
    bar = ActivityBar("FSRCNN x2", lambda: None)
    began = bar.start_t

    bar.show_paused(True)
    words = bar.desc
    now[0] += 50
    bar.show_paused(False)
    bar.close()

    assert "FSRCNN x2, paused" in words
    assert "paused" not in bar.desc
    assert bar.start_t == pytest.approx(began + 50)
